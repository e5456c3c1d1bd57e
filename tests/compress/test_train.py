"""Training on the digits, and what quantization costs: the whole software path on real data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bitwright.compress import (
    DigitsResNet,
    LeNet5,
    Training,
    encode,
    evaluate,
    quantize,
    train,
    train_reference,
)
from bitwright.compress.augment import Augmentation
from bitwright.compress.models import Cnv, DigitsConvolutional, Lfc, Sfc, Tfc
from bitwright.data import Dataset, load
from bitwright.importers import import_program


@pytest.fixture(scope="module")
def trained():
    """(model, data set, what the progress callback got)."""
    reports = []
    model, dataset = train_reference("digits", progress=reports.append)
    return model, dataset, reports


def test_digits_are_learned(trained):
    model, dataset, _ = trained
    assert evaluate(model, dataset.test) >= 0.97


def test_model_comes_back_in_evaluation_mode(trained):
    assert not any(module.training for module in trained[0].modules())


def test_progress_is_told_after_every_epoch(trained):
    _, _, reports = trained
    assert [(r.epoch, r.epochs) for r in reports] == [(e, 20) for e in range(1, 21)]
    assert reports[-1].loss < reports[0].loss / 10
    assert reports[-1].accuracy > 0.95
    assert reports[0].seconds < reports[-1].seconds < 40


@pytest.mark.parametrize("observer", ["minmax", "percentile"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
def test_int8_costs_half_a_point_at_most(trained, symmetric, observer):
    model, dataset, _ = trained
    images = dataset.train.take(512).images
    network = quantize(model, images, symmetric=symmetric, observer=observer)
    assert evaluate(network, dataset.test) >= evaluate(model, dataset.test) - 0.005


def test_evaluation_of_a_network_is_the_greatest_code(trained):
    model, dataset, _ = trained
    network = quantize(model, dataset.train.take(100).images)
    codes = network.run(encode(dataset.test.images, network.input.output))
    right = np.mean(
        [row.argmax() == label for row, label in zip(codes, dataset.test.labels, strict=True)]
    )
    assert evaluate(network, dataset.test, batch_size=7) == pytest.approx(right)


def test_digits_network_has_no_layer_but_multiplying_ones_and_pooling(trained):
    names = [
        (type(n).__name__, n.name)
        for n in import_program(trained[0], torch.zeros(2, 1, 8, 8)).nodes
    ]
    assert names == [
        ("Input", "x"),
        ("Conv2d", "stem"),
        ("Conv2d", "block1.conv1"),
        ("Conv2d", "block1.conv2"),
        ("Conv2d", "block2.shortcut.0"),
        ("Conv2d", "block2.conv1"),
        ("Conv2d", "block2.conv2"),
        ("AvgPool2d", "pool"),
        ("Flatten", "flatten"),
        ("Linear", "classifier"),
    ]


@pytest.fixture(scope="module")
def small():
    digits = load("digits")
    return replace(digits, train=digits.train.take(256), validation=digits.validation.take(50))


def weights(dataset: Dataset, seed: int) -> list[torch.Tensor]:
    torch.manual_seed(9)
    model = train(DigitsResNet(), dataset, Training(epochs=2, seed=seed))
    return [p.detach() for p in model.parameters()]


def test_equal_seeds_give_equal_weights(small):
    for a, b in zip(weights(small, 3), weights(small, 3), strict=True):
        assert torch.equal(a, b)


def test_dropout_follows_the_seed(small):
    found = []
    for state in (1, 2):
        torch.manual_seed(9)
        model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(64, 10))
        torch.manual_seed(state)
        found.append(train(model, small, Training(epochs=1))[2].weight.detach())
    assert torch.equal(*found)


def test_other_seed_gives_other_weights(small):
    assert not torch.equal(weights(small, 3)[0], weights(small, 4)[0])


def test_training_leaves_torchs_random_state_and_threads(small):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(64, 10))
    before = torch.get_rng_state()
    seen = []
    torch.set_num_threads(2)
    train(model, small, Training(epochs=1), lambda _: seen.append(torch.get_num_threads()))
    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert (seen, after) == ([1], 2)


def test_augmented_images_are_new_in_each_epoch(small):
    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 10)
            self.seen = []

        def forward(self, x):
            if self.training:
                self.seen.append(x.sum().item())
            return self.layer(x.flatten(1))

    sums = []
    for augmentation in (None, Augmentation(shift=2)):
        model = Watching()
        training = Training(epochs=2, batch_size=256, augmentation=augmentation)
        train(model, small, training)
        sums.append(model.seen)
    plain, moved = sums
    assert plain == pytest.approx([plain[0]] * 2)
    assert len({round(total) for total in [*moved, plain[0]]}) == 3


def test_products_in_bfloat16(small):
    found = []
    for fast in (False, True):
        torch.manual_seed(9)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        train(model, small, Training(epochs=1, bfloat16=fast))
        found.append(model[1].weight.detach())
    assert found[1].dtype == torch.float32
    assert not torch.equal(*found)
    assert torch.allclose(*found, atol=2e-3)


def test_too_few_images_for_a_batch(small):
    with pytest.raises(ValueError, match="256 images make no batch of 300"):
        train(DigitsResNet(), small, Training(batch_size=300))


@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch_size": 1}])
def test_training_that_is_none(options):
    with pytest.raises(ValueError, match="at least 1 epoch and batches of 2"):
        Training(**options)


def test_evaluation_of_nothing(small):
    with pytest.raises(ValueError, match="the split has no images"):
        evaluate(DigitsResNet(), small.test.take(0))


def test_evaluation_leaves_the_training_flags(small):
    model = DigitsResNet().train()
    model.norm.eval()
    evaluate(model, small.test)
    assert model.training
    assert not model.norm.training


@pytest.mark.parametrize(
    ("model", "parameters", "shape"),
    [
        (LeNet5(), 61_706, (1, 28, 28)),
        (DigitsResNet(), 19_706, (1, 8, 8)),
        (Tfc(), 59_402, (1, 28, 28)),
        (Sfc(), 335_882, (1, 28, 28)),
        (Lfc(), 2_916_362, (1, 28, 28)),
        (Cnv(), 1_546_698, (3, 32, 32)),
        (DigitsConvolutional(), 38_442, (1, 8, 8)),
    ],
    ids=["lenet", "digits", "tfc", "sfc", "lfc", "cnv", "digits-convolutional"],
)
def test_models_have_the_documented_size(model, parameters, shape):
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model.eval()(torch.zeros(2, *shape)).shape == (2, 10)
