"""What tells a sound accelerator from a defective one, as functions: `tools/mutate.py` runs them.

Everything goes through the C++ driver on the small machine of `tests.cocotb.small`, so that the
whole suite takes seconds.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from tests.cocotb.small import ARCHITECTURE, images
from tests.support.machine import IMAGES, INTERRUPTS, Machine
from tests.support.malformed import Sent, Stop, cases, powers_of_two
from tests.support.networks import random_codes
from tests.support.suite_programs import multiplied, programs, random_programs, special_programs

from bitwright.compiler import predict
from bitwright.isa import ErrorCode
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_RUN,
    MAGIC,
    PROFILE_BASE,
    REGISTERS,
    STATUS_BUSY,
    STATUS_DONE,
    VERSION,
)

SLAVE_ERROR = 2
Open = Callable[[], Machine]


def registers(begin: Open) -> None:
    """What the registers say at rest, what they hold, and what they refuse."""
    with begin() as machine:
        wanted = {"identity": MAGIC, "version": VERSION}
        wanted |= {
            "hash_low": ARCHITECTURE.hash & 0xFFFF_FFFF,
            "hash_high": ARCHITECTURE.hash >> 32,
        }
        for name, register in REGISTERS.items():
            assert machine.access(register.address) == (wanted.get(name, 0), 0), name
            response = 0 if register.access == "rw" else SLAVE_ERROR
            assert machine.access(register.address, 0)[1] == response, name
        for value in (0xFFFF_FFFF, 0x5A5A_A5A5, 0):
            machine.write("images", value)
            assert machine.read("images") == value
        for enabled in (1 << CONTROL_IRQ_DONE, 1 << CONTROL_IRQ_ERROR, INTERRUPTS, 0):
            machine.write("control", enabled)
            assert machine.read("control") == enabled
        end = PROFILE_BASE + 4 * ARCHITECTURE.execute_instructions
        for n in range(17):
            unknown = 1 << n
            if unknown not in {register.address for register in REGISTERS.values()}:
                known = n == PROFILE_BASE.bit_length() - 1
                assert machine.access(unknown)[1] == SLAVE_ERROR * (not known), hex(unknown)
                assert machine.access(unknown, 0)[1] == SLAVE_ERROR, hex(unknown)
        for address in (end, PROFILE_BASE + 2):
            assert machine.access(address)[1] == SLAVE_ERROR
        assert machine.access(end - 4)[1] == 0


def interrupts(begin: Open) -> None:
    """Each interrupt comes if it is enabled, and only then."""
    program = programs()[0]
    for enabled in (0, 1 << CONTROL_IRQ_DONE, 1 << CONTROL_IRQ_ERROR):
        with begin() as machine:
            sent = Sent.of(program, images(program, IMAGES, 1))
            assert machine.load(sent) is None
            machine.begin_run(sent)
            machine.write("control", enabled)
            assert machine.run(2000) == (enabled == 1 << CONTROL_IRQ_DONE)
            machine.write("status", 0)
            assert machine.read("status") >> STATUS_DONE & 1
            machine.write("status", 1 << STATUS_DONE)
            assert not machine.read("status") >> STATUS_DONE & 1
            assert not machine.run(10)
        with begin() as machine:
            machine.write("control", enabled | 1 << CONTROL_RUN)  # without a program
            assert machine.run(100) == (enabled == 1 << CONTROL_IRQ_ERROR)


def counters(begin: Open) -> None:
    """Every bit of every layer and every counter, the host always ready; runs follow runs."""
    with begin() as machine:
        for program in (*programs(), *special_programs(), *random_programs(), programs()[0]):
            x = random_codes(program.network, IMAGES, 2)
            cycles = np.zeros((IMAGES, len(program.execute)), np.uint32)
            machine.record(cycles, np.zeros(cycles.shape, np.uint64))
            taps = {}
            for plan in program.layers:
                taps[plan.name] = np.zeros((IMAGES, plan.region.extent), np.uint8)
                last = plan.instructions[-1]
                machine.tap(last, plan.region.bank, plan.region.base, taps[plan.name])
            machine.check(program, x)
            for plan in program.layers:
                at_zero = replace(plan, region=replace(plan.region, base=0))
                codes = program.unpack_region(at_zero, taps[plan.name])
                assert (codes == program.network.run(x, taps=True)[1][plan.name]).all(), plan.name
            model = predict(program, IMAGES)
            assert machine.read_wide("cycles") == model.total
            assert machine.read_wide("stalls") == model.stalls
            assert machine.read_wide("macs") == model.macs
            assert machine.read("images_done") == IMAGES
            assert (cycles == model.cycles).all()
            for n, expected in enumerate(model.cycles[-1]):
                assert machine.access(PROFILE_BASE + 4 * n) == (int(expected), 0)


def saturation(begin: Open) -> None:
    """The programs once more on the least and the greatest codes: long carries, clamps."""
    with begin() as machine:
        for program in (*programs(), *special_programs(), *random_programs()):
            output = program.network.input.output
            x = np.stack(
                [
                    np.full(program.network.input.shape, end, np.int8)
                    for end in (output.low, output.high)
                ]
            )
            machine.check(program, x)


def many_images(begin: Open) -> None:
    """A run of any number of images goes on after the first two."""
    program = programs()[1]
    x = random_codes(program.network, IMAGES, 3)
    for n in range(2, 32):
        with begin() as machine:
            sent = Sent.of(program, x)
            assert machine.load(sent) is None
            machine.begin_run(sent, 1 << n)
            assert not machine.run(5000)
            assert machine.read("images_done") == IMAGES
            assert machine.received == IMAGES * program.output_beats
            assert machine.read("status") & 1 << STATUS_BUSY


def tokens(begin: Open) -> None:
    """As many tokens as a field or the counter holds."""
    resident, streamed = programs()
    x = random_codes(streamed.network, IMAGES, 4)
    for times in (2, 4, 8, 16, 32, 64, 127):
        program = multiplied(streamed, times)
        with begin() as machine:
            machine.check(program, x)
            assert machine.read_wide("cycles") == predict(streamed, IMAGES).total
    for n in range(16):
        sent = Sent.of(resident)
        sent.header("credits", 1 << n)
        sent.fetch(0, acquire=1)
        with begin() as machine:
            assert machine.load(sent) is None
            machine.recover()
            # A token short.
            sent.header("credits", 0)
            sent.fetch(0, acquire=1 << min(n, 7))
            assert machine.load(sent) == Stop(ErrorCode.DEADLOCK, "fetch", 0)
    # What a program gives and does not take is gone when the next one starts.
    with begin() as machine:
        sent = Sent.of(streamed, x)
        sent.fetch(len(streamed.fetch) - 1, release=255)
        assert machine.load(sent) is None
        assert machine.execute(sent) is None
        machine.write("status", 1 << STATUS_DONE)
        sent = Sent.of(resident, images(resident, IMAGES, 4))
        sent.execute(0, acquire=1)
        assert machine.load(sent) is None
        assert machine.execute(sent) == Stop(ErrorCode.DEADLOCK, "execute", 0)


def back_pressure(begin: Open) -> None:
    """The same with a host that pauses."""
    rng = np.random.default_rng(1)
    with begin() as machine:
        for seed, program in enumerate((*programs(), *random_programs()[:6]) * 2):
            machine.pause(seed, *rng.choice([0, 0.2, 0.8], 3))
            machine.check(program, random_codes(program.network, IMAGES, seed))
            # What the host costs is counted: a pause may hide a fetch, but adds nothing else.
            busy = machine.read_wide("cycles") - machine.read_wide("stalls")
            assert busy <= predict(program, IMAGES).total


def malformed(begin: Open) -> None:
    """Every malformed program stops as it must, and the next one runs."""
    resident, streamed = programs()
    for case in (*cases(resident, streamed), *powers_of_two(resident)):
        program = resident if case.program == "RESIDENT" else streamed
        sent = Sent.of(program, images(program, IMAGES, 5))
        case.spoil(sent)
        with begin() as machine:
            stop = machine.load(sent) or machine.execute(sent)
            assert stop == case.stop, f"{case.name}: {stop}"
            machine.recover()
            machine.check(resident, images(resident, IMAGES, 5))


def resets(begin: Open) -> None:
    """A reset at any cycle of a load or run; the next load and run are exact."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        program = programs()[rng.integers(2)]
        sent = Sent.of(program, images(program, IMAGES, 5))
        with begin() as machine:
            machine.pause(seed, *rng.choice([0, 0.2, 0.8], 3))
            if rng.random() < 0.3:
                machine.begin_load(sent)
                machine.tick(int(rng.integers(0, 400)))
            else:
                assert machine.load(sent) is None
                machine.begin_run(sent)
                machine.tick(int(rng.integers(0, 2000)))
            machine.recover() if rng.random() < 0.5 else machine.hard_reset()
            machine.pause(0)
            machine.check(program, images(program, IMAGES, 5))


CHECKS: dict[str, Callable[[Open], None]] = {
    check.__name__: check
    for check in (
        counters,
        registers,
        interrupts,
        saturation,
        many_images,
        tokens,
        malformed,
        back_pressure,
        resets,
    )
}
