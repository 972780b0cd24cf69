"""cocotbext-pcie's root complex judges our endpoint: enumeration, configuration, memory, interrupts."""

import random

import cocotb
from cocotb.triggers import Event, with_timeout
from cocotbext.pcie.core.tlp import TlpType
from cocotbext.pcie.core.utils import PcieId
from endpoint_bench import DEVICE_CONTROL, EXPRESS, MSIX, EndpointBench, P, check_completions
from firmware import Register
from random_data import random_bytes, random_range

LIMIT = {"timeout_time": 2, "timeout_unit": "ms"}


@cocotb.test(**LIMIT)
async def root_complex_enumerates_it(dut):
    """C20, C24, C26: one device with one function on the bus below the root port, with what its parameters say."""
    bench = EndpointBench(dut)
    await bench.enumerated(enable=False)
    device = bench.device
    assert (device.vendor_id, device.device_id, device.class_code) == (P["vendor_id"], P["device_id"], P["class_code"])
    assert device.header_type == 0 and not device.multifunction
    assert device.pcie_type() == 0, "the PCI Express capability does not say endpoint"
    assert [each.pcie_id for each in bench.rc.host_bridge.bus.children[0].devices] == [PcieId(1, 0, 0)]
    # Completions carry the ID that it took from the writes to it.
    assert all(tlp.completer_id == PcieId(1, 0, 0) for tlp in bench.completions()[10:])


@cocotb.test(**LIMIT)
async def its_bars_are_sized_and_placed(dut):
    """C37: 16 KiB of registers below 4 GiB, the memory in a 64-bit prefetchable BAR, and each reads back where it was put."""
    bench = EndpointBench(dut)
    await bench.enumerated(enable=False)
    device = bench.device
    assert device.bar_size[0] == P["register_bytes"] and device.bar_size[2] == P["memory_bytes"]
    assert device.bar_raw[2] & 0xF == 0xC, "BAR 2 is not 64-bit and prefetchable"
    assert await device.config_read_dword(0x10) == device.bar_addr[0]
    low, high = await device.config_read_dword(0x18), await device.config_read_dword(0x1C)
    assert (high << 32 | low & ~0xF) == device.bar_addr[2]
    for unused in (1, 4, 5):
        assert not device.bar_size[unused]
    assert await bench.firmware.read(Register.MEMORY_LOW) | await bench.firmware.read(Register.MEMORY_HIGH) << 32 == device.bar_addr[2]


@cocotb.test(**LIMIT)
async def its_capability_lists_are_sound(dut):
    """Every pointer is aligned, in its space and met once; what a PCI Express endpoint with MSI-X must have is there."""
    bench = EndpointBench(dut)
    await bench.enumerated(enable=False)
    device = bench.device
    for found, low, high in ((device.capabilities, 0x40, 0x100), (device.ext_capabilities, 0x100, 0x1000)):
        offsets = [offset for _, offset in found]
        assert len(set(offsets)) == len(offsets) and all(low <= offset < high and offset % 4 == 0 for offset in offsets)
    assert {0x01, 0x10, 0x11} <= {identity for identity, _ in device.capabilities}
    assert 0x0001 in {identity for identity, _ in device.ext_capabilities}, "there is no AER"
    version = await device.capability_read_word(EXPRESS, 2)
    assert version & 0xF == 2


@cocotb.test(**LIMIT)
async def configuration_writes_keep_to_their_byte_enables(dut):
    """C9: bytes and words are written alone, read-only bytes stay, the whole space reads without an error."""
    bench = EndpointBench(dut)
    await bench.enumerated(enable=False)
    device = bench.device
    before = await device.config_read_dword(0x0C)
    await device.config_write_byte(0x0C, 0x5A)
    assert await device.config_read_dword(0x0C) == before & ~0xFF | 0x5A
    await device.config_write_byte(0x0D, 0xFF)
    assert await device.config_read_dword(0x0C) == before & ~0xFF | 0x5A
    await device.config_write_dword(0x00, 0xFFFFFFFF)
    assert await device.config_read_dword(0x00) == P["device_id"] << 16 | P["vendor_id"]
    await device.config_write_byte(0x05, 0x04)
    assert await device.config_read_word(0x04) & 0x0400 == 0x0400
    await device.config_write_word(0x04, 0x0006)
    assert await device.config_read_word(0x04) == 0x0006
    count = len(bench.completions())
    for register in range(0, 0x1000, 0x40):
        await device.config_read_dword(register)
    assert all(tlp.status == 0 and tlp.length == 1 for tlp in bench.completions()[count:])


@cocotb.test(**LIMIT)
async def memory_takes_writes_and_reads_of_any_size(dut):
    """C7, C8, C55: random offsets and lengths against a copy."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    size = min(P["memory_bytes"], 16384)
    copy = bytearray(random_bytes(size))
    await bench.memory.write(0, copy)
    for _ in range(60):
        offset, length = random_range(size, 1024)
        if random.random() < 0.5:
            copy[offset : offset + length] = data = random_bytes(length)
            await bench.memory.write(offset, data)
        else:
            assert await bench.memory.read(offset, length) == copy[offset : offset + length], f"{length} bytes at {offset:#x}"
    assert await bench.memory.read(0, size) == copy


@cocotb.test(**LIMIT)
async def single_bytes_and_empty_accesses(dut):
    """C8: every combination of byte enables of one DW, and a read of no byte, which is answered after the writes before it."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    copy = bytearray(64)
    await bench.memory.write(0, copy)
    for start in range(4):
        for length in range(1, 9 - start):
            copy[16 + start : 16 + start + length] = data = random_bytes(length)
            await bench.memory.write(16 + start, data)
            assert await bench.memory.read(0, 64) == copy, f"after {length} bytes at {16 + start}"
    await bench.memory.write(32, random_bytes(4))
    count = len(bench.completions())
    assert await bench.memory.read(32, 0) == b""
    (flushed,) = bench.completions()[count:]
    assert flushed.byte_count == 1 and flushed.length == 1


@cocotb.test(**LIMIT)
async def reads_overlap_with_all_tags_in_use(dut):
    """C56, C71a: 96 reads at once, which need every tag of the root complex three times over."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    copy = random_bytes(8192)
    await bench.memory.write(0, copy)
    wanted = [random_range(len(copy), 256) for _ in range(96)]
    reads = [cocotb.start_soon(bench.memory.read(offset, length)) for offset, length in wanted]
    for (offset, length), read in zip(wanted, reads):
        assert await read == copy[offset : offset + length], f"{length} bytes at {offset:#x}"


@cocotb.test(**LIMIT)
async def reads_are_split_at_the_completion_boundary(dut):
    """C4, C54, C55, C57: reads up to 4 KiB at odd places, with all payload limits."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    copy = random_bytes(8192)
    await bench.memory.write(0, copy)
    for payload in (128, 256, 512):
        await bench.limits(payload, 4096)
        for offset, length in [(0, 4096), (3, 4093), (125, 7), (4096 - 130, 130), random_range(4096, 4096), random_range(4096, 4096)]:
            length = min(length, 4096 - offset)
            count = len(bench.completions())
            assert await bench.memory.read(offset, length) == copy[offset : offset + length]
            check_completions(bench.completions()[count:], bench.device.bar_addr[2] + offset, length, payload)


@cocotb.test(**LIMIT)
async def completions_carry_the_attributes_of_their_requests(dut):
    """C12, C13: traffic class, relaxed ordering and no snoop come back."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    address = bench.device.bar_addr[2]
    for tc, attr in [(0, 0), (3, 0), (7, 1), (1, 2), (5, 3)]:
        await bench.rc.mem_read(address + 8 * tc, 16, tc=tc, attr=attr)
        last = bench.completions()[-1]
        assert (last.tc, last.attr) == (tc, attr)


@cocotb.test(**LIMIT)
async def registers_read_as_described(dut):
    """The identification, the size of the memory and the doorbells; writes to what is read-only change nothing."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    described = [0x70327001, P["memory_bytes"], 4 << 16 | P["doorbells"]]
    assert [await bench.registers.read_dword(4 * i) for i in range(3)] == described
    await bench.registers.write_dwords(0, [0, 0, 0])
    assert [await bench.registers.read_dword(4 * i) for i in range(3)] == described


@cocotb.test(**LIMIT)
async def doorbells_and_mailbox_reach_the_firmware(dut):
    """A doorbell's event and value, and what the host wrote to the mailbox, in both directions."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    command = random_bytes(64)
    await bench.registers.write(0x400, command)
    await bench.registers.write_dword(0x1000 + 4 * 5, 0x1234ABCD)
    await bench.firmware.next_event(0)
    assert await bench.firmware.read(Register.DOORBELL_NEXT) == 1 << 31 | 5
    assert await bench.firmware.read(Register.DOORBELL_VALUE) == 0x1234ABCD
    assert [await bench.firmware.read(0x400 + 4 * i) for i in range(16)] == [
        int.from_bytes(command[4 * i : 4 * i + 4], "little") for i in range(16)
    ]
    await bench.firmware.write(0x440, 0xCAFEF00D)
    # A read on the same port: the write has been made.
    await bench.firmware.read(0x440)
    assert await bench.registers.read_dword(0x440) == 0xCAFEF00D


@cocotb.test(**LIMIT)
async def msix_vectors_are_delivered(dut):
    """C92: the root complex fills the table, and each vector rings where it was aimed."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    count = await bench.device.alloc_irq_vectors(1, 32)
    assert count == P["vectors"]
    for vector in random.sample(range(count), count):
        came = bench.device.msi_vectors[vector].event
        came.clear()
        await bench.firmware.interrupt(vector)
        await with_timeout(came.wait(), 10, "us")
    writes = [tlp for tlp in bench.requests() if tlp.fmt_type in (TlpType.MEM_WRITE, TlpType.MEM_WRITE_64)]
    assert len(writes) == count and all(tlp.requester_id == PcieId(1, 0, 0) and tlp.attr == 0 for tlp in writes)


@cocotb.test(**LIMIT)
async def msix_vectors_can_be_masked(dut):
    """C92: a masked vector stays pending and is delivered once when it is unmasked; so does the mask of the function."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await bench.device.alloc_irq_vectors(1, 32)
    control = await bench.device.capability_read_word(MSIX, 2)
    table, pending = [(await bench.device.capability_read_dword(MSIX, at)) & ~7 for at in (4, 8)]
    rings = []

    async def rang() -> None:
        rings.append(1)
        done.set()

    done = Event()
    bench.device.request_irq(1, rang)

    async def mask_entry(on: int) -> None:
        await bench.registers.write_dword(table + 16 + 12, on)
        # The write has arrived when a read behind it is answered.
        assert await bench.registers.read_dword(table + 16 + 12) == on

    async def mask_function(on: int) -> None:
        await bench.device.capability_write_word(MSIX, 2, control | on << 14)

    for mask in (mask_entry, mask_function):
        rings.clear()
        await mask(1)
        await bench.firmware.interrupt(1)
        await bench.firmware.interrupt(1)
        await bench.cycles(200)
        assert not rings and await bench.registers.read_dword(pending) == 0b10
        done.clear()
        await mask(0)
        await with_timeout(done.wait(), 10, "us")
        await bench.cycles(200)
        assert len(rings) == 1 and await bench.registers.read_dword(pending) == 0


@cocotb.test(**LIMIT)
async def a_link_that_pauses_loses_nothing(dut):
    """All streams of the link pause in a third of the cycles: enumeration, memory and registers work as before."""
    bench = EndpointBench(dut)
    await bench.enumerated(pause=0.33)
    copy = bytearray(random_bytes(2048))
    await bench.memory.write(0, copy)
    for _ in range(20):
        offset, length = random_range(len(copy), 512)
        copy[offset : offset + length] = data = random_bytes(length)
        await bench.memory.write(offset, data)
    assert await bench.memory.read(0, len(copy)) == copy


@cocotb.test(**LIMIT)
async def a_function_reset_clears_what_it_must(dut):
    """C84: BARs, command and MSI-X are as after power up, the payload limit stays, and the function can be set up again."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    device = bench.device
    await bench.limits(256, 512)
    await device.alloc_irq_vectors(1, 32)
    control = await bench.control(DEVICE_CONTROL)
    await device.capability_write_word(EXPRESS, DEVICE_CONTROL, control | 1 << 15)
    await bench.cycles(2000)
    assert await device.config_read_word(0x04) == 0
    assert await device.config_read_dword(0x10) == 0
    assert await device.capability_read_word(MSIX, 2) >> 15 == 0
    assert await device.get_mps() == 1
    await device.config_write_dword(0x18, device.bar_addr[2] & 0xFFFFFFFF)
    await device.config_write_dword(0x1C, device.bar_addr[2] >> 32)
    await device.config_write_word(0x04, 0x0006)
    data = random_bytes(100)
    await bench.memory.write(77, data)
    assert await bench.memory.read(77, 100) == data
