import pytest
import torch
from torch import nn

from bitwright.compress import Training, train
from bitwright.compress.distill import Teacher
from bitwright.data import load


class Fixed(nn.Module):
    """Answers with the same logits whatever it sees."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(x), -1)


LOGITS = torch.tensor([[2.0, -1.0, 0.5]])
LABELS = torch.tensor([1])


def loss(student: torch.Tensor, **options: float) -> float:
    return Teacher(model=Fixed(LOGITS), **options).loss(student, LABELS, LABELS[:, None]).item()


def test_agreement_costs_nothing() -> None:
    assert loss(LOGITS, weight=1.0) == pytest.approx(0, abs=1e-6)


def test_weight_zero_is_the_cross_entropy() -> None:
    student = torch.tensor([[0.1, 0.2, 0.3]])
    wanted = nn.functional.cross_entropy(student, LABELS).item()
    assert loss(student, weight=0.0) == pytest.approx(wanted)


def test_divergence_is_that_of_the_softened_answers() -> None:
    student = torch.zeros(1, 3)
    p = (LOGITS / 4).softmax(dim=1)
    wanted = 16 * (p * (p.log() - torch.tensor(1 / 3).log())).sum().item()
    assert loss(student, weight=1.0, temperature=4.0) == pytest.approx(wanted, rel=1e-5)


def test_student_learns_from_the_teacher_alone() -> None:
    digits = load("digits")
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    one = Teacher(
        model=Fixed(10 * nn.functional.one_hot(torch.tensor([[3]]), 10).float()[0]), weight=1.0
    )
    train(model, digits, Training(epochs=2), teacher=one)
    images = torch.from_numpy(digits.test.images)
    assert model(images).argmax(dim=1).eq(3).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 1.5}, r"weight must lie in 0..1, but is 1.5"),
        ({"temperature": 0.0}, "temperature must be positive, but is 0.0"),
    ],
)
def test_what_is_no_teacher(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Teacher(model=nn.Identity(), **options)
