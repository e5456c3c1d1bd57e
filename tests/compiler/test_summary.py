"""What a summary counts, and what it does not count twice."""

import pytest
from tests.support.machines import SMALL
from tests.support.networks import random_network

from bitwright.compiler import compile, filled_utilization, predict, summarize


@pytest.mark.parametrize("seed", [1, 5, 11], ids=["flatten", "concat", "concat, flatten"])
def test_every_instruction_is_counted_at_most_once(seed: int) -> None:
    program = compile(random_network(seed), SMALL)
    counted = [1 << n for n in range(len(program.execute))]
    cycles = [layer.cycles_rtl for layer in summarize(program, counted)]
    # Powers of two: a repeated instruction would not leave its bit alone.
    together = 0
    for n in cycles:
        assert n is not None
        assert together & n == 0
        together |= n
    assert together & 1, "the input's transfer is the input's"
    assert not together >> len(program.execute) - 1, "the output's transfer is no layer's"


def test_view_takes_no_cycles() -> None:
    layers = summarize(compile(random_network(11), SMALL))
    by_kind = {layer.kind: layer for layer in layers}
    assert by_kind["Flatten"].cycles_model == by_kind["Concat"].cycles_model == 0
    assert by_kind["Linear"].cycles_model > 0


def test_utilization_is_of_the_counted_cycles_else_of_the_predicted() -> None:
    program = compile(random_network(1), SMALL)
    model = predict(program).instructions
    predicted = summarize(program)
    doubled = summarize(program, [2 * n for n in model])
    for layer, slow in zip(predicted, doubled, strict=True):
        assert layer.cycles_rtl is None
        assert slow.cycles_rtl == 2 * layer.cycles_model
        if layer.macs:
            assert layer.utilization == layer.macs / (16 * layer.cycles_model)
            assert slow.utilization == layer.utilization / 2


def test_only_whole_words_and_channel_tiles_fill_the_array() -> None:
    # 16 channels fill 4 columns, 15 do not.
    filled = {
        layer.name: layer.fills_array for layer in summarize(compile(random_network(1), SMALL))
    }
    program = compile(random_network(1), SMALL)
    shapes = {layer.name: layer.shape for layer in program.network}
    assert any(filled.values())
    assert all(shapes[name][0] % 4 == 0 for name, fills in filled.items() if fills)
    narrow = [name for name, shape in shapes.items() if shape[0] % 4]
    assert narrow
    assert not any(filled[name] for name in narrow)


def test_filled_utilization_weighs_layers_by_their_cycles() -> None:
    layers = summarize(compile(random_network(1), SMALL))
    filling = [layer for layer in layers if layer.fills_array]
    expected = sum(x.macs for x in filling) / (16 * sum(x.cycles_model for x in filling))
    assert filled_utilization(layers, SMALL) == expected
    assert filled_utilization(layers[:1], SMALL) is None
