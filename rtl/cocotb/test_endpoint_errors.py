"""What our endpoint does with requests that it must refuse: most are made by hand from cocotbext-pcie's TLPs, as its models never send them."""

from typing import List

import cocotb
import pytest
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId
from endpoint_bench import AER, DEVICE_STATUS, EXPRESS, EndpointBench, P
from random_data import random_bytes

LIMIT = {"timeout_time": 1, "timeout_unit": "ms"}
POISONED, MALFORMED, UNSUPPORTED, UNEXPECTED, ADVISORY = 12, 18, 20, 16, 13
ERR_COR, ERR_NONFATAL, ERR_FATAL = 0x30, 0x31, 0x33


async def answer(bench: EndpointBench, tlp: Tlp, cycles: int = 200) -> List[Tlp]:
    """Sends a TLP past the root complex, and gives the completions that come for it: they are kept from the root complex."""
    tlp.requester_id = PcieId(0, 0, 0)
    tlp.tag = 0xEE
    count = len(bench.sent)
    deliver = bench.link.port.rx_handler

    async def mine(got: Tlp) -> None:
        if got.is_completion() and got.tag == 0xEE:
            got.release_fc()
        else:
            await deliver(got)

    bench.link.port.rx_handler = mine
    await bench.link.port.send(tlp)
    await bench.cycles(cycles)
    bench.link.port.rx_handler = deliver
    return [each for each in bench.sent[count:] if each.is_completion() and each.tag == 0xEE]


def request(kind: TlpType, address: int, length: int = 4, data: bytes = b"") -> Tlp:
    tlp = Tlp()
    tlp.fmt_type = kind
    if data:
        tlp.set_addr_be_data(address, data)
    else:
        tlp.set_addr_be(address, length)
    return tlp


async def uncorrectable(bench: EndpointBench) -> int:
    """The bits of uncorrectable errors."""
    return await bench.device.capability_read_dword(AER, 0x04)


async def clear_errors(bench: EndpointBench) -> None:
    for status in (0x04, 0x10):
        await bench.device.capability_write_dword(AER, status, 0xFFFFFFFF)
    await bench.device.capability_write_word(EXPRESS, DEVICE_STATUS, 0xF)


async def log_advisory_errors(bench: EndpointBench) -> None:
    """Errors that are only advisory set their uncorrectable bit, too (C89): as software finds it, they do not."""
    await bench.device.capability_write_dword(AER, 0x14, 0)


async def advisory(bench: EndpointBench) -> bool:
    """Whether an advisory error was counted among the correctable ones."""
    return bool(await bench.device.capability_read_dword(AER, 0x10) >> ADVISORY & 1)


async def refused(bench: EndpointBench, tlp: Tlp, what: str, kind: TlpType = TlpType.CPL) -> None:
    """Holds the answer to an unsupported request to C51 and C53."""
    (completion,) = await answer(bench, tlp)
    assert completion.status == CplStatus.UR, f"{what}: {completion!r}"
    assert completion.fmt_type == kind and completion.length == 0
    assert completion.completer_id == PcieId(1, 0, 0)


@cocotb.test(**LIMIT)
async def reads_of_a_hole_are_unsupported(dut):
    """C51, C89: behind BAR 0 within the window of the root port, through the root complex, which reports it to its caller."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    hole = bench.device.bar_addr[0] + P["register_bytes"]
    for log in (False, True):
        await clear_errors(bench)
        if log:
            await log_advisory_errors(bench)
        with pytest.raises(Exception, match="Unsuccessful completion"):
            await bench.rc.mem_read(hole, 4)
        assert bench.completions()[-1].status == CplStatus.UR
        assert await bench.control(DEVICE_STATUS) >> 3 & 1, "Unsupported Request Detected is not set"
        assert await advisory(bench)
        assert bool(await uncorrectable(bench) >> UNSUPPORTED & 1) == log
    # A write there goes nowhere, and nobody is hurt.
    await bench.rc.mem_write(hole, random_bytes(64))
    assert await bench.registers.read_dword(0) == 0x70327001


@cocotb.test(**LIMIT)
async def a_read_across_the_end_of_a_bar_is_refused(dut):
    """C51: the memory is followed by nothing."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    end = bench.device.bar_addr[2] + P["memory_bytes"]
    (inside,) = await answer(bench, request(TlpType.MEM_READ_64, end - 4))
    assert inside.status == CplStatus.SC
    await refused(bench, request(TlpType.MEM_READ_64, end), "behind the end")


@cocotb.test(**LIMIT)
async def long_reads_of_registers_are_aborted(dut):
    """C52: registers are read 1 or 2 DW at a time, and not more."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    first, second = [await bench.registers.read_dword(4 * i) for i in range(2)]
    assert await bench.registers.read_dwords(0, 2) == [first, second]
    (completion,) = await answer(bench, request(TlpType.MEM_READ, bench.device.bar_addr[0], 12))
    assert completion.status == CplStatus.CA and completion.fmt_type == TlpType.CPL
    assert await bench.device.config_read_word(0x06) >> 11 & 1, "Signaled Target Abort is not set"


@cocotb.test(**LIMIT)
async def memory_space_disabled_answers_nothing(dut):
    """C83: BARs are not decoded while memory space is disabled, and are again afterwards."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    data = random_bytes(64)
    await bench.memory.write(0, data)
    await bench.device.config_write_word(0x04, 0x0004)
    with pytest.raises(Exception, match="Unsuccessful completion"):
        await bench.memory.read(0, 64)
    await bench.memory.write(0, bytes(64))
    await bench.device.config_write_word(0x04, 0x0006)
    assert await bench.memory.read(0, 64) == data


@cocotb.test(**LIMIT)
async def what_an_endpoint_does_not_support_is_refused(dut):
    """C2, C20, C51: I/O, locked reads, configuration requests of type 1 and of functions that it does not have."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    low = bench.device.bar_addr[0]
    await refused(bench, request(TlpType.IO_READ, 0x1000), "I/O read")
    await refused(bench, request(TlpType.IO_WRITE, 0x1000, data=bytes(4)), "I/O write")
    await refused(bench, request(TlpType.MEM_READ_LOCKED, low), "locked read", TlpType.CPL_LOCKED)
    for kind, target in ((TlpType.CFG_READ_0, PcieId(1, 0, 1)), (TlpType.CFG_WRITE_0, PcieId(1, 0, 7)), (TlpType.CFG_READ_1, PcieId(1, 0, 0))):
        tlp = request(kind, 0, data=bytes(4)) if kind == TlpType.CFG_WRITE_0 else request(kind, 0)
        tlp.completer_id = target
        await refused(bench, tlp, f"{kind} to {target}")


@cocotb.test(**LIMIT)
async def poisoned_writes_are_not_used(dut):
    """C71b: the data does not reach the memory, and the error is logged and reported."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await clear_errors(bench)
    control = await bench.control(8)
    await bench.device.capability_write_word(EXPRESS, 8, control | 7)
    data = random_bytes(64)
    await bench.memory.write(128, data)
    bad = request(TlpType.MEM_WRITE_64, bench.device.bar_addr[2] + 128, data=bytes(64))
    bad.ep = True
    assert await answer(bench, bad) == []
    assert await bench.memory.read(128, 64) == data
    assert await uncorrectable(bench) >> POISONED & 1
    assert [message.code for message in bench.link.messages] in ([ERR_NONFATAL], [ERR_COR])
    assert bench.link.messages[0].requester_id == 0x0100 and bench.link.messages[0].route == 0


@cocotb.test(**LIMIT)
async def malformed_requests_are_dropped_and_told(dut):
    """C3, C4, C8, C9, C71d: a payload above the limit, byte enables that cannot be, a configuration request of two DW. Each is fatal, none is answered."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    control = await bench.control(8)
    await bench.device.capability_write_word(EXPRESS, 8, control | 7)
    await bench.device.set_mps(0)
    data = random_bytes(256)
    await bench.memory.write(0, data)
    address = bench.device.bar_addr[2]
    too_long = request(TlpType.MEM_WRITE_64, address, data=bytes(256))
    enables = request(TlpType.MEM_READ_64, address, 4)
    enables.last_be = 0xF
    no_enables = request(TlpType.MEM_READ_64, address, 64)
    no_enables.last_be = 0
    config = request(TlpType.CFG_READ_0, 0)
    config.completer_id = PcieId(1, 0, 0)
    config.length, config.last_be = 2, 0xF
    io = request(TlpType.CFG_READ_0, 0)
    io.completer_id = PcieId(1, 0, 0)
    io.tc = 3
    for what, bad in {
        "payload above the limit": too_long,
        "last byte enables of one DW": enables,
        "no last byte enables": no_enables,
        "configuration request of 2 DW": config,
        "configuration request with a traffic class": io,
    }.items():
        await clear_errors(bench)
        bench.link.messages.clear()
        assert await answer(bench, bad) == [], what
        assert await uncorrectable(bench) >> MALFORMED & 1, what
        assert [message.code for message in bench.link.messages] == [ERR_FATAL], what
    assert await bench.memory.read(0, 256) == data
    # All credits came back: as many TLPs as the link can hold go through.
    for _ in range(40):
        await bench.memory.read(0, 4)


@cocotb.test(**LIMIT)
async def completions_that_nobody_asked_for_are_dropped(dut):
    """C58: with and without data; logged as unexpected."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await clear_errors(bench)
    await log_advisory_errors(bench)
    foreign = Tlp.create_completion_data_for_tlp(request(TlpType.MEM_READ, 0), PcieId(0, 0, 0))
    foreign.set_data(random_bytes(64))
    foreign.byte_count = 64
    await answer(bench, foreign)
    assert await uncorrectable(bench) >> UNEXPECTED & 1
    assert await bench.registers.read_dword(0) == 0x70327001


@cocotb.test(**LIMIT)
async def atomic_operations_are_completed(dut):
    """C98: FetchAdd, Swap and CAS on the memory, with the format as cocotbext-pcie packs it."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    address = bench.device.bar_addr[2] + 64
    await bench.memory.write_qwords(64, [100])
    for kind, operands, expected in (
        (TlpType.FETCH_ADD_64, [5], 105),
        (TlpType.SWAP_64, [7], 7),
        (TlpType.CAS_64, [7, 9], 9),
        (TlpType.CAS_64, [7, 11], 9),
    ):
        before = await bench.memory.read_qword(64)
        data = b"".join(each.to_bytes(8, "little") for each in operands)
        (completion,) = await answer(bench, request(kind, address, data=data))
        assert completion.status == CplStatus.SC and completion.byte_count == 8
        assert int.from_bytes(completion.data, "little") == before
        assert await bench.memory.read_qword(64) == expected, kind
