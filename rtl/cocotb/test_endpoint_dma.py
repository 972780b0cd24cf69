"""Our endpoint's DMA against cocotbext-pcie's root complex; the test plays the firmware."""

import random

import cocotb
from cocotbext.pcie.core.tlp import Tlp, TlpType
from endpoint_bench import DEVICE_CONTROL_2, EXPRESS, EndpointBench, P
from firmware import Register
from random_data import random_bytes, random_range
from trees import fill

LIMIT = {"timeout_time": 2, "timeout_unit": "ms"}
SUCCESS, UNSUPPORTED, ABORT, TIMEOUT, REFUSED = 0, 1, 4, 6, 7
WRITES = (TlpType.MEM_WRITE, TlpType.MEM_WRITE_64)
READS = (TlpType.MEM_READ, TlpType.MEM_READ_64)


def host_memory(bench: EndpointBench, size: int):
    """Memory of the root complex, and its address."""
    region = bench.rc.mem_pool.alloc_region(size)
    return region, region.get_absolute_address(0)


@cocotb.test(**LIMIT)
async def it_writes_host_memory(dut):
    """C4, C5: random addresses, offsets and lengths; what lies around stays as it was; payload limit and 4 KiB boundary hold."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    region, base = host_memory(bench, 16384)
    source = random_bytes(8192)
    await fill(bench.memory, 0, source)
    host = bytearray(random_bytes(16384))
    await region.write(0, bytes(host))
    for i in range(24):
        await bench.limits(128 << i % 3, 512)
        offset, length = random_range(len(source), 3000)
        to = random.randrange(len(host) - length)
        count = len(bench.requests())
        assert await bench.firmware.dma(Register.WRITE_DMA, base + to, offset, length) == SUCCESS
        # A read is behind all writes that it sent.
        await bench.registers.read_dword(0)
        host[to : to + length] = source[offset : offset + length]
        assert await region.read(0, len(host)) == host, f"{length} bytes from {offset:#x} to {to:#x}"
        sent = bench.requests()[count:]
        assert all(tlp.fmt_type in WRITES and 4 * tlp.length <= 128 << i % 3 for tlp in sent)


@cocotb.test(**LIMIT)
async def it_reads_host_memory(dut):
    """C6, C7: random addresses, offsets and lengths; no request is longer than the limit, headers are short below 4 GiB."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    region, base = host_memory(bench, 16384)
    host = random_bytes(16384)
    await region.write(0, host)
    copy = bytearray(random_bytes(8192))
    await fill(bench.memory, 0, copy)
    for i in range(24):
        limit = 128 << i % 3
        await bench.limits(128, limit)
        offset, length = random_range(len(copy), 3000)
        start = random.randrange(len(host) - length)
        count = len(bench.requests())
        assert await bench.firmware.dma(Register.READ_DMA, base + start, offset, length) == SUCCESS
        copy[offset : offset + length] = host[start : start + length]
        near = slice(max(0, offset - 256), offset + length + 256)
        assert await bench.memory.read(near.start, len(copy[near])) == copy[near], f"{length} bytes from {start:#x} to {offset:#x}"
        sent = bench.requests()[count:]
        assert all(tlp.fmt_type == TlpType.MEM_READ and 4 * tlp.length <= limit for tlp in sent)
    assert await bench.memory.read(0, len(copy)) == copy


@cocotb.test(**LIMIT)
async def it_takes_completions_split_as_small_as_can_be(dut):
    """C54: the root complex ends a completion at every 64 bytes, from odd addresses."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    bench.rc.split_on_all_rcb = True
    await bench.limits(512, 512)
    region, base = host_memory(bench, 8192)
    host = random_bytes(8192)
    await region.write(0, host)
    for start, length in [(0, 4096), (61, 1000), (63, 2), (127, 513), (1, 4095)]:
        assert await bench.firmware.dma(Register.READ_DMA, base + start, 64, length) == SUCCESS
        assert await bench.memory.read(64, length) == host[start : start + length], f"{length} bytes at {start}"


@cocotb.test(**LIMIT)
async def it_reaches_addresses_above_4_gib(dut):
    """C7: headers of 4 DW where the address needs them, and only there."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    data = random_bytes(1500)
    await fill(bench.memory, 0, data)
    for high in (0x1_0000_0000, 0x12_3456_7000):
        region = bench.rc.mem_address_space.create_pool(high, 0x2000).alloc_region(0x2000)
        assert region.get_absolute_address(0) == high
        assert await bench.firmware.dma(Register.WRITE_DMA, high + 3, 0, 1500) == SUCCESS
        assert await bench.firmware.dma(Register.READ_DMA, high + 3, 4096, 1500) == SUCCESS
        assert await bench.memory.read(4096, 1500) == data
    assert {tlp.fmt_type for tlp in bench.requests()} == {TlpType.MEM_WRITE_64, TlpType.MEM_READ_64}


@cocotb.test(**LIMIT)
async def both_directions_and_the_host_at_once(dut):
    """C60, C61, C62: reads and writes of the firmware while the host reads and writes the same memory elsewhere, on a link that pauses."""
    bench = EndpointBench(dut)
    await bench.enumerated(pause=0.1)
    region, base = host_memory(bench, 16384)
    host = bytearray(random_bytes(16384))
    await region.write(0, bytes(host))
    sent = random_bytes(3000)
    own = bytearray(2048)
    await fill(bench.memory, 0, sent)
    await fill(bench.memory, 8192, own)

    async def host_side() -> None:
        for _ in range(25):
            offset, length = random_range(len(own), 256)
            own[offset : offset + length] = data = random_bytes(length)
            await fill(bench.memory, 8192 + offset, data)
            assert await bench.memory.read(8192 + offset, length) == data

    side = cocotb.start_soon(host_side())
    for _ in range(4):
        assert await bench.firmware.dma(Register.WRITE_DMA, base + 5, 0, 3000) == SUCCESS
        assert await bench.firmware.dma(Register.READ_DMA, base + 8192, 4099, 3000) == SUCCESS
    await side
    assert await bench.memory.read(8192, len(own)) == own
    assert await bench.memory.read(4099, 3000) == host[8192:11192]
    host[5:3005] = sent
    assert await region.read(0, 8192) == host[:8192]


@cocotb.test(**LIMIT)
async def it_posts_single_words(dut):
    """A posted write of the firmware lands as one DW."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    region, base = host_memory(bench, 64)
    await region.write(0, bytes(64))
    for i in range(8):
        await bench.firmware.post(base + 4 * i, 0x0101_0101 * i)
    await bench.registers.read_dword(0)
    assert await region.read_dwords(0, 8) == [0x0101_0101 * i for i in range(8)]


@cocotb.test(**LIMIT)
async def without_bus_master_enable_nothing_is_sent(dut):
    """C81: neither DMA nor interrupts leave; completions do."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await bench.device.alloc_irq_vectors(1, 32)
    _, base = host_memory(bench, 4096)
    await bench.device.clear_master()
    count = len(bench.requests())
    assert await bench.firmware.dma(Register.WRITE_DMA, base, 0, 64) == REFUSED
    assert await bench.firmware.dma(Register.READ_DMA, base, 0, 64) == REFUSED
    await bench.firmware.interrupt(0)
    assert await bench.registers.read_dword(0) == 0x70327001
    await bench.cycles(500)
    assert len(bench.requests()) == count


@cocotb.test(**LIMIT)
async def a_refused_read_is_told(dut):
    """C53: the root complex answers UR to a read of what is not there, and the next job works."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    region, base = host_memory(bench, 4096)
    data = random_bytes(512)
    await region.write(0, data)
    assert await bench.firmware.dma(Register.READ_DMA, 1 << 40, 0, 512) == UNSUPPORTED
    assert await bench.firmware.dma(Register.READ_DMA, base, 0, 512) == SUCCESS
    assert await bench.memory.read(0, 512) == data


@cocotb.test(**LIMIT)
async def a_failed_read_is_told(dut):
    """C53: the root complex answers with Completer Abort, as its memory fails."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    region, base = host_memory(bench, 4096)

    async def fails(address: int, length: int, **_: object) -> bytes:
        raise ValueError("this memory is broken")

    region._read = fails
    assert await bench.firmware.dma(Register.READ_DMA, base, 0, 512) == ABORT


@cocotb.test(**LIMIT)
async def a_read_without_an_answer_times_out(dut):
    """C59: the root complex swallows a request; the job ends after the shortest timeout, and a late completion harms nothing (C58)."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await bench.device.capability_write_word(EXPRESS, DEVICE_CONTROL_2, 1)
    region, base = host_memory(bench, 4096)
    data = random_bytes(256)
    await region.write(0, data)
    swallowed = []

    async def swallow(tlp: Tlp) -> None:
        swallowed.append(tlp)

    bench.rc.register_rx_tlp_handler(TlpType.MEM_READ, swallow)
    started = cocotb.utils.get_sim_time("us")
    assert await bench.firmware.dma(Register.READ_DMA, base, 0, 64) == TIMEOUT
    assert 50 <= cocotb.utils.get_sim_time("us") - started <= 110
    bench.rc.register_rx_tlp_handler(TlpType.MEM_READ, bench.rc.handle_mem_read_tlp)
    await fill(bench.memory, 0, bytes(64))
    await bench.rc.handle_mem_read_tlp(swallowed[0])
    await bench.cycles(200)
    assert await bench.memory.read(0, 64) == bytes(64), "a late completion was written"
    assert await bench.firmware.dma(Register.READ_DMA, base, 0, 256) == SUCCESS
    assert await bench.memory.read(0, 256) == data


@cocotb.test(**LIMIT)
async def many_tags_are_out_at_once(dut):
    """C71a, C70f: the root complex answers slowly and in another order; no tag is used twice, and every byte arrives."""
    bench = EndpointBench(dut)
    await bench.enumerated()
    await bench.limits(256, 128)
    region, base = host_memory(bench, 16384)
    host = random_bytes(16384)
    await region.write(0, host)
    waiting = []
    most = 0

    async def later(tlp: Tlp) -> None:
        nonlocal most
        assert tlp.tag not in [each.tag for each in waiting], f"tag {tlp.tag} is out twice"
        waiting.append(tlp)
        most = max(most, len(waiting))

    async def answer() -> None:
        while True:
            await bench.cycles(60)
            for _ in range(random.randint(0, len(waiting))):
                await bench.rc.handle_mem_read_tlp(waiting.pop(random.randrange(len(waiting))))

    bench.rc.register_rx_tlp_handler(TlpType.MEM_READ, later)
    cocotb.start_soon(answer())
    assert await bench.firmware.dma(Register.READ_DMA, base + 1, 0, 8000) == SUCCESS
    assert await bench.memory.read(0, 8000) == host[1:8001]
    assert most >= min(16, P["tags"] // 2), f"at most {most} requests were out"
