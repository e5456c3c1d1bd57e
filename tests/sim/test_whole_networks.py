"""Random networks on the RTL: every layer's every bit, every instruction's every cycle.

Hypothesis draws the structure, so that a network that fails shrinks to few, small, plain layers.
The examples are the same in every run. Each machine's library is built once for all its networks.
"""

import dataclasses
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from tests.support.networks import Limits, networks, random_codes, random_network

from bitwright.compiler import CompileError, Program, compile, predict
from bitwright.isa import Architecture, timing
from bitwright.isa.architecture import ROUNDINGS
from bitwright.isa.instructions import ExecuteOpcode, VectorOp
from bitwright.network import Conv2d, Network
from bitwright.sim import RtlMachine, verify

SMALL = Architecture(
    name="4x4",
    rows=4,
    columns=4,
    roundings=ROUNDINGS,
    activation_words=2048,
    weight_words=4096,
    parameter_records=128,
    line_words=16,
)
NARROW = dataclasses.replace(SMALL, name="narrow", weight_words=256, parameter_records=32)
"""Its buffers hold few networks whole: the others stream their weights."""
BATCHING = dataclasses.replace(SMALL, name="batching", activation_words=8192)
"""Room for the images of a batch."""
OTHERS = [
    Architecture(
        name=f"{rows}x{columns}", rows=rows, columns=columns, roundings=ROUNDINGS, line_words=16
    )
    for rows, columns in ((8, 8), (4, 8), (8, 4), (16, 16))
]
NETWORKS = networks(Limits(blocks=(2, 6)))
WINDOWS = networks(
    Limits(blocks=(1, 5), pixels=(2, 9), kinds=(*["window"] * 4, "conv", "max_pool"), kernel=3)
)
"""Of depthwise convolutions the engine may take, some with other layers between."""


def examples(count: int) -> settings:
    """Settings for ``count`` networks, always the same; a failure is shrunk."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def fitting(
    network: Network, architecture: Architecture, streamed: bool = False, batch: int = 1
) -> Program:
    """The program; the example is given up if it is too large, or need not be streamed."""
    try:
        program = compile(network, architecture, batch)
    except CompileError:
        assume(False)
        raise
    assume(len(program.body) or not streamed)
    return program


def assert_exact(program: Program) -> None:
    """Every bit of every layer, every instruction's cycles, the run's cycles with its stalls."""
    found = verify(program, random_codes(program.network, 3, 1))
    assert found.machine_error is None
    assert found.divergence is None, found.divergence and found.divergence.describe()
    assert found.cycle_errors == ()
    assert found.cycles_rtl == found.cycles_model


@given(NETWORKS)
@examples(12)
def test_network_is_exact_in_bits_and_cycles(network: Network) -> None:
    assert_exact(fitting(network, SMALL))


@given(NETWORKS)
@examples(8)
def test_streamed_network_is_exact_and_its_stalls_predicted(network: Network) -> None:
    assert_exact(fitting(network, NARROW, streamed=True))


@given(WINDOWS)
@examples(12)
def test_depthwise_network_is_exact_in_bits_and_cycles(network: Network) -> None:
    assert_exact(fitting(network, SMALL))


@given(st.one_of(NETWORKS, WINDOWS), st.sampled_from([2, 3, 5]))
@examples(12)
def test_batches_are_exact_in_bits_and_cycles(network: Network, batch: int) -> None:
    assert_exact(fitting(network, BATCHING, batch=batch))


@given(NETWORKS, st.integers(0, 1 << 30), st.tuples(*[st.sampled_from([0.0, 0.2, 0.8])] * 3))
@examples(8)
def test_host_that_pauses_costs_stalls_and_nothing_else(
    network: Network, seed: int, rates: tuple[float, float, float]
) -> None:
    program = fitting(network, NARROW)
    x = random_codes(network, 2, 1)
    _, expected = network.run(x, taps=True)
    with RtlMachine(program) as machine:
        machine.pause(seed, *rates)
        run = machine.run(x, taps=True)
    assert (run.outputs == expected[network.output.name]).all()
    for name, codes in run.taps.items():
        assert (codes == expected[name]).all(), name
    model = predict(program, 2)
    assert run.macs == model.macs
    # A transfer that is drawn out may hide what would have been waited for.
    assert run.total_cycles - run.stalls <= model.total


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [SMALL, *OTHERS], ids=lambda machine: machine.name)
@given(NETWORKS)
@examples(100)
def test_hundred_networks_are_exact_on(architecture: Architecture, network: Network) -> None:
    assert_exact(fitting(network, architecture))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [SMALL, *OTHERS], ids=lambda machine: machine.name)
@given(WINDOWS)
@examples(100)
def test_hundred_depthwise_networks_are_exact_on(
    architecture: Architecture, network: Network
) -> None:
    assert_exact(fitting(network, architecture))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [BATCHING, *OTHERS], ids=lambda machine: machine.name)
@given(st.one_of(NETWORKS, WINDOWS), st.sampled_from([2, 3, 5, 16]))
@examples(100)
def test_hundred_networks_are_exact_in_batches_on(
    architecture: Architecture, network: Network, batch: int
) -> None:
    assert_exact(fitting(network, architecture, batch=batch))


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [NETWORKS, WINDOWS], ids=["any", "depthwise"])
@given(st.data())
@examples(100)
def test_hundred_streamed_networks_are_exact(
    drawn: st.SearchStrategy[Network], data: st.DataObject
) -> None:
    assert_exact(fitting(data.draw(drawn), NARROW, streamed=True))


def test_hundred_networks_hold_every_kind_of_layer() -> None:
    found: Counter[str] = Counter()

    @given(NETWORKS)
    @examples(100)
    def look(network: Network) -> None:
        for layer in network:
            found[type(layer).__name__] += 1
            if isinstance(layer, Conv2d):
                found["depthwise"] += layer.groups > 1 and layer.weight.shape[1] == 1
                found["grouped"] += layer.groups > 1 and layer.weight.shape[1] > 1
                found["residual"] += len(layer.inputs) > 1
                found["strided"] += max(layer.stride) > 1
                found["dilated"] += max(layer.dilation) > 1
                found["padded unevenly"] += len(set(layer.padding)) > 2
                found[f"kernel {layer.weight.shape[2]}"] += 1

    look()
    kinds = ["Linear", "Add", "MaxPool2d", "AvgPool2d", "Requantize", "Concat", "Flatten"]
    kinds += ["depthwise", "grouped", "residual", "strided", "dilated", "padded unevenly"]
    kinds += [f"kernel {size}" for size in range(1, 8)]
    assert [kind for kind in kinds if found[kind] < 3] == []


def test_hundred_depthwise_networks_hold_every_kind_of_window() -> None:
    found: Counter[str] = Counter()

    @given(WINDOWS)
    @examples(100)
    def look(network: Network) -> None:
        try:
            program = compile(network, SMALL)
        except CompileError:
            return
        pace = timing.depthwise_pace(SMALL)
        for fields in program.decoded():
            if fields["opcode"] != ExecuteOpcode.VECTOR or (
                fields["vector_op"] != VectorOp.DEPTHWISE
            ):
                continue
            tiles, image = fields["channel_tiles"], fields["words"] * fields["height"]
            found["several tiles"] += tiles > 1
            found["a last tile of fewer channels"] += fields["last_columns"] < SMALL.lanes
            found["tiles that wait for weights"] += tiles > 1 and image < pace
            found["residual"] += fields["residual"]
            found["padding other than zero"] += fields["pad"] != 0
            found["one window"] += fields["out_width"] * fields["out_height"] == 1
            for step in (1, 2, 3):
                found[f"stride {step}"] += fields["kernel_x_step"] == step
            for n, edge in enumerate(("left", "right", "top", "bottom")):
                over = fields["dilation_y"] >> n & 1
                found[f"padded {edge}"] += over
                found[f"not padded {edge}"] += 1 - over

    look()
    assert len(found) == 17
    assert [kind for kind, count in found.items() if count < 3] == []


def test_network_that_does_not_fit_is_refused_with_what_it_needs() -> None:
    tiny = dataclasses.replace(SMALL, activation_words=64)
    with pytest.raises(CompileError, match=r"layer '.*': (its \d+ bytes do not fit|no room)"):
        compile(random_network(1), tiny)


def test_prediction_scales_with_images() -> None:
    program = compile(random_network(5), SMALL)
    one, two = predict(program, 1), predict(program, 2)
    assert two.macs == 2 * one.macs
    assert one.total < two.total <= 2 * one.total
