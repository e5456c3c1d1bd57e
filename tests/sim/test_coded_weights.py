"""Weights under a Huffman code: exact in bits and cycles; malformed ones stop the machine."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cocotb.small import ARCHITECTURE, images, network
from tests.sim.test_whole_networks import NARROW, NETWORKS, SMALL, assert_exact, examples, fitting
from tests.support.machine import IMAGES, Machine
from tests.support.malformed import RESIDENT, STREAMED, Sent, Stop

from bitwright.compiler import Program, compile
from bitwright.isa import ErrorCode
from bitwright.isa.instructions import FetchOpcode
from bitwright.network import Network
from bitwright.sim.rtl import library_of, verilog_of

CODING = replace(ARCHITECTURE, huffman=True, weight_words=128)


def sparse(network: Network, seed: int) -> Network:
    """The same with weights that a code makes shorter: few values, mostly 0."""
    rng = np.random.default_rng(seed)

    def weights(shape: tuple[int, ...]) -> np.ndarray:
        return rng.choice([0, 0, 0, 0, 0, -1, 1, 7], shape)

    layers = [
        replace(layer, weight=weights(layer.weight.shape)) if hasattr(layer, "weight") else layer
        for layer in network
    ]
    return Network(layers=tuple(layers))


def opcodes(program: Program) -> list[int]:
    return [words[0] & 0xFF for words in program.fetch]


@given(NETWORKS, st.integers(0, 9))
@examples(8)
def test_resident_network_is_exact_in_bits_and_cycles(network: Network, seed: int) -> None:
    assert_exact(fitting(sparse(network, seed), replace(SMALL, huffman=True)))


@given(NETWORKS, st.integers(0, 9))
@examples(8)
def test_streamed_network_is_exact_and_its_stalls_predicted(network: Network, seed: int) -> None:
    assert_exact(fitting(sparse(network, seed), replace(NARROW, huffman=True), streamed=True))


PROGRAMS = {
    RESIDENT: compile(sparse(network(streamed=False), 1), CODING),
    STREAMED: compile(sparse(network(streamed=True), 1), replace(CODING, weight_words=64)),
}


def test_the_programs_of_the_cases_are_coded_where_that_is_shorter() -> None:
    for program in PROGRAMS.values():
        assert FetchOpcode.CODED in opcodes(program)
    plain = compile(PROGRAMS[RESIDENT].network, replace(CODING, huffman=False))
    assert len(PROGRAMS[RESIDENT].prologue) < len(plain.prologue)
    # Uniform bytes do not get shorter.
    assert FetchOpcode.CODED not in opcodes(compile(network(streamed=False), CODING))


@pytest.fixture(scope="module", params=list(PROGRAMS))
def program(request: pytest.FixtureRequest) -> Program:
    return PROGRAMS[request.param]


@pytest.fixture(scope="module")
def library(program: Program) -> Path:
    return library_of(verilog_of(program.architecture), trace=False, optimize=1)


@pytest.fixture
def machine(program: Program, library: Path) -> Iterator[Machine]:
    with Machine(library, program.architecture) as made:
        yield made


def coded(program: Program) -> int:
    """The first instruction of coded weights."""
    return opcodes(program).index(FetchOpcode.CODED)


def packet_of(sent: Sent) -> np.ndarray:
    return (sent.prologue or sent.body)[coded(sent.program)]


def replace_packet(sent: Sent, packet: np.ndarray) -> None:
    (sent.prologue or sent.body)[coded(sent.program)] = packet


def instruct(sent: Sent, **fields: int) -> None:
    sent.fetch(coded(sent.program), **fields)


def damage_table(sent: Sent) -> None:
    packet = packet_of(sent).copy()
    packet.view("<u2")[0, 0] += 1
    replace_packet(sent, packet)


def shorten_packet(sent: Sent) -> None:
    """One beat less, in the instruction too: the packet is whole, the codes are not."""
    end_early(sent)
    instruct(sent, beats=len(packet_of(sent)))


def lengthen_packet(sent: Sent) -> None:
    end_late(sent)
    instruct(sent, beats=len(packet_of(sent)))


def end_in_table(sent: Sent) -> None:
    replace_packet(sent, packet_of(sent)[:2])
    instruct(sent, beats=2)


def end_early(sent: Sent) -> None:
    replace_packet(sent, packet_of(sent)[:-1])


def end_late(sent: Sent) -> None:
    packet = packet_of(sent)
    replace_packet(sent, np.concatenate([packet, packet[:1]]))


CASES: list[tuple[Callable[[Sent], None], str]] = [
    (damage_table, "CODE"),
    (shorten_packet, "CODE"),
    (lengthen_packet, "CODE"),
    (end_in_table, "LENGTH"),
    (end_early, "LENGTH"),
    (end_late, "LENGTH"),
    (lambda sent: instruct(sent, numbers=0), "LENGTH"),
    (lambda sent: instruct(sent, beats=0), "LENGTH"),
    (lambda sent: instruct(sent, count=0), "LENGTH"),
    (lambda sent: instruct(sent, numbers=511), "LENGTH"),
    (lambda sent: instruct(sent, count=1), "CODE"),
    (lambda sent: instruct(sent, count=sent.program.architecture.weight_words + 1), "ADDRESS"),
]


def stop_of(machine: Machine, sent: Sent) -> Stop | None:
    return machine.load(sent) or machine.execute(sent)


def check_still_works(machine: Machine, program: Program) -> None:
    machine.recover()
    machine.check(program, images(program, IMAGES, 5))


@pytest.mark.parametrize(("spoil", "code"), CASES, ids=[f"{n}" for n in range(len(CASES))])
def test_malformed_packet_stops_with_its_error(
    machine: Machine, program: Program, spoil: Callable[[Sent], None], code: str
) -> None:
    sent = Sent.of(program, images(program, IMAGES, 5))
    spoil(sent)
    assert stop_of(machine, sent) == Stop(ErrorCode[code], "fetch", coded(program))
    check_still_works(machine, program)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes_end_or_stop(machine: Machine, program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sent = Sent.of(program, images(program, IMAGES, 5))
    packet = packet_of(sent).copy()
    for _ in range(rng.integers(1, 4)):
        packet.reshape(-1)[rng.integers(packet.size)] = rng.integers(256)
    replace_packet(sent, packet)
    print(f"seed {seed}: {stop_of(machine, sent)}")
    check_still_works(machine, program)
