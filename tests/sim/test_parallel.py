"""Several models give what one gives: outputs, cycles, the first difference, the failure."""

import numpy as np
import pytest
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture, ErrorCode
from bitwright.sim import Accelerator, MachineError, RtlMachine, run_batch, verify
from bitwright.sim.parallel import LONGEST, piece_sizes, predicted_cycles, run_pieces
from bitwright.sim.verification import Batch


@pytest.fixture(scope="module")
def program(small: Architecture) -> Program:
    return compile(random_network(1), small)


@pytest.mark.parametrize("images", [1, 2, 4, 5, 16, 127, 128, 129, 1000])
def test_pieces_cover_the_batch_and_are_short(images: int) -> None:
    sizes = piece_sizes(images)
    assert sum(sizes) == images
    assert all(0 < size <= LONGEST for size in sizes)
    assert len(sizes) >= min(images, 3)


@pytest.mark.parametrize("models", [1, 2, 5])
def test_a_batch_is_exact_on_any_number_of_models(program: Program, models: int) -> None:
    x = random_codes(program.network, 9)
    run = run_batch(program, x, models=models)
    assert (run.outputs == program.network.run(x)).all()
    assert run.total_cycles == predicted_cycles(program, len(x))
    assert run.cycles.shape == run.ends.shape == (9, len(program.execute))
    assert run.cycles_per_second > 0


def test_an_accelerator_shares_its_images(program: Program) -> None:
    x = random_codes(program.network, 6)
    with Accelerator(program) as accelerator:
        assert (accelerator.run(x) == program.network.run(x)).all()
        assert (accelerator.run(x[2:3]) == program.network.run(x[2:3])).all()


def test_a_batch_without_images_is_an_error(program: Program) -> None:
    x = random_codes(program.network, 2)[:0]
    assert list(run_pieces(program, x)) == []
    with pytest.raises(ValueError, match="a batch needs an image or more, got none"):
        run_batch(program, x)


@pytest.mark.parametrize("inject", [None, "carry", "sign"])
def test_a_verification_finds_the_same_on_any_number_of_models(
    program: Program, inject: str | None
) -> None:
    x = random_codes(program.network, 9)
    batches: dict[int, list[Batch]] = {1: [], 3: []}
    found = [
        verify(program, x, inject=inject, models=models, on_batch=seen.append)
        for models, seen in batches.items()
    ]
    assert found[0] == found[1]
    assert found[0].equal == (inject is None)
    for one, other in zip(*batches.values(), strict=True):
        assert one.first == other.first
        for name, codes in one.run.taps.items():
            assert (codes == other.run.taps[name]).all()
        assert (one.run.cycles == other.run.cycles).all()


def test_a_failure_is_raised_after_all_pieces_before_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random_codes(program.network, 12)
    bad = piece_sizes(12)[0] * 2  # the third piece
    genuine = RtlMachine.run

    def run(self: RtlMachine, images: np.ndarray, **options: bool) -> object:
        if (images[0] == x[bad]).all():
            raise MachineError(ErrorCode.ADDRESS, "execute", 3)
        return genuine(self, images, **options)

    monkeypatch.setattr(RtlMachine, "run", run)
    pieces = run_pieces(program, x, models=4)
    assert [next(pieces).first, next(pieces).first] == [0, bad // 2]
    with pytest.raises(MachineError, match="ADDRESS"):
        next(pieces)
    found = verify(program, x, models=4)
    assert found.images == bad
    assert "ADDRESS" in str(found.machine_error)


def test_models_must_be_positive(program: Program) -> None:
    with pytest.raises(ValueError, match="models must be 1 or more, got 0"):
        run_batch(program, random_codes(program.network, 2), models=0)
