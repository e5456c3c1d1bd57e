"""A batch of images is one packet, and one tensor behind another in every region."""

from dataclasses import replace

import pytest
from tests.support.networks import Limits, random_codes, random_network

from bitwright.compiler import CompileError, Program, compile, predict, summarize
from bitwright.isa import Architecture
from bitwright.isa.instructions import VectorOp
from bitwright.network import Linear, Network

ARCHITECTURE = Architecture(activation_words=8192, line_words=16)
PLAIN = Limits(roundings=Limits().roundings[:1], blocks=(2, 4))


def programs(batch: int) -> list[Program]:
    """Of the first random networks that fit."""
    found = []
    for seed in range(8):
        try:
            found.append(compile(random_network(seed, limits=PLAIN), ARCHITECTURE, batch))
        except CompileError:
            continue
    assert len(found) > 4
    return found


@pytest.mark.parametrize("images", [1, 3, 4])
def test_packets_hold_the_images_of_a_batch(images: int) -> None:
    for program in programs(3):
        x = random_codes(program.network, images)
        packets = program.pack_images(x)
        assert len(packets) == program.packets_of(images) == -(-images // 3)
        data = packets.reshape(len(packets), -1)
        padding = program.network.input.output.zero_point
        read = program.unpack_region(program.input_plan, data)
        assert (read[:images] == x).all()
        assert (read[images:] == padding).all()


def test_program_file_keeps_the_batch() -> None:
    program = programs(5)[0]
    assert Program.from_bytes(program.to_bytes()).batch == 5


def test_pixels_of_a_batch_fill_the_rows() -> None:
    """A linear layer has one pixel an image: eight images take the cycles of one."""
    network = next(
        network
        for seed in range(50)
        if isinstance((network := random_network(seed, limits=PLAIN)).output, Linear)
    )

    def last(batch: int) -> tuple[int, float]:
        layer = summarize(compile(network, ARCHITECTURE, batch))[-1]
        assert layer.utilization is not None
        return layer.cycles_model, layer.utilization

    (one, share), (eight, shares) = last(1), last(8)
    assert abs(one - eight) <= 8  # it may begin a little earlier behind the layer before
    assert shares == pytest.approx(8 * share * one / eight)


def test_depthwise_engine_takes_an_image_at_a_time_and_its_weights_once() -> None:
    limits = replace(PLAIN, kinds=("window",), blocks=(2, 2), pixels=(6, 9))
    network = random_network(3, limits=limits)
    one, four = (compile(network, ARCHITECTURE, batch) for batch in (1, 4))
    counts = [
        sum(fields["vector_op"] == VectorOp.DEPTHWISE for fields in program.decoded())
        for program in (one, four)
    ]
    assert counts[0] > 0
    assert counts[1] > counts[0]
    assert counts[1] % 4 == 0
    assert one.prologue.shape == four.prologue.shape
    assert predict(four).macs == 4 * predict(one).macs


@pytest.mark.parametrize("batch", [0, 257])
def test_batch_out_of_range_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match=rf"batch must be in 1..256, got {batch}"):
        compile(random_network(1, limits=PLAIN), ARCHITECTURE, batch)


def test_batch_that_does_not_fit_is_refused() -> None:
    network: Network = random_network(1, limits=PLAIN)
    small = replace(ARCHITECTURE, activation_words=512)
    compile(network, small)
    with pytest.raises(CompileError, match=r"do not fit|no room"):
        compile(network, small, 64)


def test_index_of_a_batch_is_another_place() -> None:
    from bitwright.sim.divergence import locate

    for program in programs(3):
        plan = program.layers[-1]
        index = tuple(n - 1 for n in plan.shape)
        places = [locate(program, plan, index, image) for image in range(3)]
        cycles = [place.cycle for place in places]
        assert cycles == sorted(cycles)
        assert len({(p.instruction, p.pixel_tile, p.row) for p in places}) == 3
