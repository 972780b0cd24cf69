"""cocotbext-pcie's root complex and devices judge our switch, and peer-to-peer traffic through it."""

import random

import cocotb
import pytest
from cocotb.triggers import with_timeout
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId
from firmware import Register
from random_data import random_bytes, random_range
from switch_bench import ACS, AER, EXPRESS, MODEL_BYTES, P, SwitchBench
from trees import DOWNSTREAM_PORT, UPSTREAM_PORT, fill

LIMIT = {"timeout_time": 4, "timeout_unit": "ms"}


@cocotb.test(**LIMIT)
async def root_complex_enumerates_the_tree(dut):
    """C20, C21, C22, C23: the ports of the switch, each device on a bus of its own, nothing else."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    found = [(str(each.pcie_id), each.pcie_type() if each.is_pcie() else None) for each in bench.found[1:]]
    assert found == [
        ("01:00.0", UPSTREAM_PORT),
        ("02:00.0", DOWNSTREAM_PORT),
        ("03:00.0", 0),
        ("02:01.0", DOWNSTREAM_PORT),
        ("04:00.0", 0),
        ("02:02.0", DOWNSTREAM_PORT),
        ("05:00.0", 0),
    ]
    assert [peer.device_id for peer in bench.peers] == [0xCAFE, 0xCAFE] and bench.device.device_id == P["device_id"]


@cocotb.test(**LIMIT)
async def bridge_windows_hold_what_is_below(dut):
    """C30, C37: bus numbers and windows read back as the root complex placed them."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    below = {0: bench.peers[0], 1: bench.peers[1], 2: bench.device}
    for port, device in below.items():
        bridge = bench.downstream[port]
        buses = await bridge.config_read_dword(0x18)
        assert buses & 0xFFFFFF == (3 + port) << 16 | (3 + port) << 8 | 2
        window = await bridge.config_read_dword(0x20)
        low, high = (window & 0xFFF0) << 16, window & 0xFFF00000 | 0xFFFFF
        wide = await bridge.config_read_dword(0x24)
        upper = [await bridge.config_read_dword(at) for at in (0x28, 0x2C)]
        wide_low = upper[0] << 32 | (wide & 0xFFF0) << 16
        wide_high = upper[1] << 32 | wide & 0xFFF00000 | 0xFFFFF
        for address, size in zip(device.bar_addr, device.bar_size):
            if not size:
                continue
            first, last = (wide_low, wide_high) if address >> 32 else (low, high)
            assert first <= address and address + size - 1 <= last, f"BAR at {address:#x} below port {port}"


@cocotb.test(**LIMIT)
async def the_host_reaches_every_memory(dut):
    """C32, C38, C40, C41: models and our endpoint, random sizes and places, all at once."""
    bench = SwitchBench(dut)
    await bench.enumerated()

    async def uses(window, size: int, seed: int) -> None:
        numbers = random.Random(seed)
        copy = bytearray(numbers.randbytes(size))
        await window.write(0, copy)
        for _ in range(12):
            length = numbers.randint(1, 700)
            offset = numbers.randrange(size - length)
            copy[offset : offset + length] = data = numbers.randbytes(length)
            await window.write(offset, data)
            assert await window.read(offset, length) == data
        assert await window.read(0, size) == copy

    windows = [bench.peers[0].bar_window[0], bench.peers[1].bar_window[0], bench.peers[1].bar_window[2], bench.memory]
    users = [cocotb.start_soon(uses(window, 4096, i)) for i, window in enumerate(windows)]
    for user in users:
        await user


@cocotb.test(**LIMIT)
async def model_to_model_peer_to_peer(dut):
    """C34, C41: requests go from port to port, and so do their completions; the root link sees none of it."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    before = (bench.up.requests, bench.up.completions)
    for turn in range(12):
        source, target = turn % 2, 1 - turn % 2
        offset, length = random_range(MODEL_BYTES, 1200)
        data = random_bytes(length)
        address = bench.peers[target].bar_addr[0] + offset
        await bench.model(source).mem_write(address, data)
        assert await bench.model(source).mem_read(address, length) == data
        assert bench.model(target).regions[0][offset : offset + length] == data
    assert (bench.up.requests, bench.up.completions) == before


@cocotb.test(**LIMIT)
async def model_to_endpoint_peer_to_peer(dut):
    """C34, C41: their requests, our completions, through our switch."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    copy = bytearray(random_bytes(8192))
    await fill(bench.memory, 0, copy)
    before = bench.up.requests, bench.up.completions
    for turn in range(24):
        model = bench.model(turn % 2)
        offset, length = random_range(len(copy), 1200)
        if turn % 3:
            copy[offset : offset + length] = data = random_bytes(length)
            await model.mem_write(bench.device.bar_addr[2] + offset, data)
        # Reads from the model that wrote: they push its writes before them.
        assert await model.mem_read(bench.device.bar_addr[2] + offset, length) == copy[offset : offset + length]
    assert (bench.up.requests, bench.up.completions) == before
    assert await bench.memory.read(0, len(copy)) == copy


@cocotb.test(**LIMIT)
async def endpoint_to_model_peer_to_peer(dut):
    """C34, C41: our requests, their completions, through our switch."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    source = random_bytes(8192)
    await fill(bench.memory, 0, source)
    before = bench.up.requests
    for turn in range(12):
        target = turn % 2
        offset, length = random_range(len(source), 2000)
        to = random.randrange(MODEL_BYTES - length)
        address = bench.peers[target].bar_addr[0] + to
        assert await bench.firmware.dma(Register.WRITE_DMA, address, offset, length) == 0
        # The read is behind the writes on the way to the model.
        assert await bench.firmware.dma(Register.READ_DMA, address, 16384, length) == 0
        assert bench.model(target).regions[0][to : to + length] == source[offset : offset + length]
        assert await bench.memory.read(16384, length) == source[offset : offset + length]
    assert bench.up.requests == before


async def everything_at_once(bench: SwitchBench, rounds: int) -> None:
    """Each of host, models and endpoint reads and writes memory of another, in parts of their own."""
    own = [random_bytes(1000) for _ in range(3)]
    await fill(bench.memory, 0, own[0])

    async def host() -> None:
        for _ in range(rounds):
            data = random_bytes(random.randint(1, 600))
            await fill(bench.memory, 30001, data)
            assert await bench.memory.read(30001, len(data)) == data
            await bench.peers[0].bar_window[2].write(3, data)
            assert await bench.peers[0].bar_window[2].read(3, len(data)) == data

    async def model(number: int) -> None:
        for i in range(rounds):
            data = random_bytes(random.randint(1, 600))
            for base in (bench.device.bar_addr[2] + 40000 + 4000 * number, bench.peers[1 - number].bar_addr[0] + 8001):
                await bench.model(number).mem_write(base + i, data)
                assert await bench.model(number).mem_read(base + i, len(data)) == data

    async def endpoint() -> None:
        for i in range(rounds):
            address = bench.peers[i % 2].bar_addr[0] + 77
            assert await bench.firmware.dma(Register.WRITE_DMA, address, 0, 1000) == 0
            assert await bench.firmware.dma(Register.READ_DMA, address, 20000, 1000) == 0
            assert await bench.memory.read(20000, 1000) == own[0]

    users = [cocotb.start_soon(each) for each in (host(), model(0), model(1), endpoint())]
    for user in users:
        await user


@cocotb.test(**LIMIT)
async def all_pairs_at_once(dut):
    """C60, C61, C70g: traffic between all of them."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    await everything_at_once(bench, 8)


@cocotb.test(**LIMIT)
async def all_pairs_at_once_on_links_that_pause(dut):
    """C60, C61: the same, while the streams of all links pause in a quarter of the cycles."""
    bench = SwitchBench(dut)
    await bench.enumerated(pause=0.25)
    await everything_at_once(bench, 4)


@cocotb.test(**LIMIT)
async def interrupts_go_up(dut):
    """C92: MSI-X of our endpoint reaches the root complex through the switch, behind the data that it tells of."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    await bench.device.alloc_irq_vectors(1, 32)
    region = bench.rc.mem_pool.alloc_region(4096)
    data = random_bytes(4000)
    await fill(bench.memory, 0, data)
    for vector in range(P["vectors"]):
        came = bench.device.msi_vectors[vector].event
        came.clear()
        await region.write(0, bytes(4096))
        assert await bench.firmware.dma(Register.WRITE_DMA, region.get_absolute_address(0), 0, 4000) == 0
        await bench.firmware.interrupt(vector)
        await with_timeout(came.wait(), 20, "us")
        assert await region.read(0, 4000) == data, "the interrupt overtook the data"


@cocotb.test(**LIMIT)
async def holes_are_unsupported_from_above_and_below(dut):
    """C35, C36, C51: an address in the window of the upstream port and in none of a downstream port; the own window from below."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    with pytest.raises(Exception, match="Unsuccessful completion"):
        # Within the 1 MiB of the last port's window, behind the BAR.
        await bench.rc.mem_read(bench.peers[1].bar_addr[2] + 4096, 4)
    own = bench.peers[0].bar_addr[0] + MODEL_BYTES
    with pytest.raises(Exception, match="Unsuccessful completion"):
        await bench.model(0).mem_read(own, 4)
    assert await bench.memory.read(0, 4) is not None


@cocotb.test(**LIMIT)
async def bus_master_enable_of_the_ingress_port_decides(dut):
    """C82: without it a request from below is refused, and traffic to that device goes on."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    address = bench.device.bar_addr[2]
    data = random_bytes(64)
    await fill(bench.memory, 0, data)
    await bench.downstream[0].clear_master()
    with pytest.raises(Exception, match="Unsuccessful completion"):
        await bench.model(0).mem_read(address, 64)
    await bench.model(0).mem_write(address, bytes(64))
    assert await bench.model(1).mem_read(address, 64) == data
    await bench.peers[0].bar_window[0].write(0, data)
    assert await bench.peers[0].bar_window[0].read(0, 64) == data
    await bench.downstream[0].set_master()
    assert await bench.model(0).mem_read(address, 64) == data


@cocotb.test(**LIMIT)
async def memory_space_of_the_egress_port_decides(dut):
    """C83: without it nothing goes down through the port, from above or from a peer."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    command = await bench.downstream[2].config_read_word(0x04)
    await bench.downstream[2].config_write_word(0x04, command & ~2)
    for reader in (bench.rc.mem_read, bench.model(0).mem_read):
        with pytest.raises(Exception, match="Unsuccessful completion"):
            await reader(bench.device.bar_addr[2], 4)
    await bench.downstream[2].config_write_word(0x04, command)
    await bench.rc.mem_read(bench.device.bar_addr[2], 4)


@cocotb.test(**LIMIT)
async def spoofed_requesters_are_blocked(dut):
    """C72, C80: with source validation a request with a foreign requester ID is a violation: aborted by the port, and logged."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    port = bench.downstream[0]
    await port.capability_write_word(ACS, 6, 1)
    address = bench.device.bar_addr[2]
    data = random_bytes(64)
    await fill(bench.memory, 0, data)
    assert await bench.model(0).mem_read(address, 64) == data
    bad = Tlp()
    bad.fmt_type = TlpType.MEM_WRITE_64
    bad.requester_id = PcieId(4, 0, 0)
    bad.set_addr_be_data(address, bytes(64))
    await bench.models[0].upstream_port.send(bad)
    await bench.cycles(300)
    assert await bench.memory.read(0, 64) == data
    assert await port.capability_read_dword(AER, 4) >> 21 & 1
    await port.capability_write_word(ACS, 6, 0)
    again = Tlp(bad)
    await bench.models[0].upstream_port.send(again)
    await bench.cycles(300)
    assert await bench.memory.read(0, 64) == bytes(64), "without source validation it passes"


@cocotb.test(**LIMIT)
async def redirected_requests_take_the_way_over_the_root(dut):
    """C74, C76: with request and completion redirect peer-to-peer traffic goes up, and the root port sends it back."""
    bench = SwitchBench(dut)
    await bench.enumerated(turning=True)
    address = bench.device.bar_addr[2]
    await bench.model(0).mem_write(address, random_bytes(64))
    await bench.model(0).mem_read(address, 64)
    before = (bench.up.requests, bench.up.completions)
    # Request redirect at the requester's port, completion redirect at the completer's.
    await bench.downstream[0].capability_write_word(ACS, 6, 1 << 2)
    await bench.downstream[2].capability_write_word(ACS, 6, 1 << 3)
    before = (bench.up.requests, bench.up.completions)
    data = random_bytes(600)
    await bench.model(0).mem_write(address + 5, data)
    assert await bench.model(0).mem_read(address + 5, 600) == data
    assert bench.up.requests - before[0] >= 2 and bench.up.completions - before[1] >= 1
    # The other model is not redirected.
    between = (bench.up.requests, bench.up.completions)
    await bench.model(1).mem_write(address + 700, data)
    await bench.model(1).mem_write(address + 5, data)
    assert bench.up.requests == between[0]


@cocotb.test(**LIMIT)
async def completions_for_nobody_are_dropped(dut):
    """C42: a completion whose requester is behind no port."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    foreign = Tlp()
    foreign.fmt_type = TlpType.CPL
    foreign.requester_id = PcieId(2, 9, 0)
    foreign.completer_id = PcieId(3, 0, 0)
    foreign.status, foreign.byte_count = CplStatus.SC, 4
    before = (bench.up.requests, bench.up.completions)
    await bench.models[0].upstream_port.send(foreign)
    await bench.cycles(200)
    assert (bench.up.requests, bench.up.completions) == before
    assert await bench.model(0).mem_read(bench.device.bar_addr[2], 16) is not None


@cocotb.test(**LIMIT)
async def error_messages_go_up(dut):
    """C90: our endpoint finds a request malformed, and its message arrives at the root port."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    for each in (bench.bridge, *bench.downstream, bench.device):
        control = await each.capability_read_word(EXPRESS, 8)
        await each.capability_write_word(EXPRESS, 8, control | 7)
        command = await each.config_read_word(0x04)
        await each.config_write_word(0x04, command | 1 << 8)
    bad = Tlp()
    bad.fmt_type = TlpType.MEM_READ_64
    bad.requester_id = PcieId(3, 0, 0)
    bad.set_addr_be(bench.device.bar_addr[2], 64)
    bad.last_be = 0
    bench.root_link.messages.clear()
    await bench.models[0].upstream_port.send(bad)
    await bench.cycles(400)
    assert 0x33 in [message.code for message in bench.root_link.messages], bench.root_link.messages


@cocotb.test(**LIMIT)
async def a_secondary_bus_reset_reaches_the_endpoint(dut):
    """C85: the endpoint behind the port forgets its configuration, the other ports go on, and the endpoint can be set up again."""
    bench = SwitchBench(dut)
    await bench.enumerated()
    port, device = bench.downstream[2], bench.device
    control = await port.config_read_word(0x3E)
    await port.config_write_word(0x3E, control | 1 << 6)
    await bench.cycles(100)
    assert await bench.model(0).mem_read(bench.peers[1].bar_addr[0], 64) is not None
    await port.config_write_word(0x3E, control)
    await bench.cycles(500)
    assert await device.config_read_word(0x04) & 7 == 0
    assert await device.config_read_dword(0x18) & ~0xF == 0
    await device.config_write_dword(0x18, device.bar_addr[2] & 0xFFFFFFFF)
    await device.config_write_dword(0x1C, device.bar_addr[2] >> 32)
    await device.config_write_word(0x04, 6)
    data = random_bytes(300)
    await bench.model(1).mem_write(device.bar_addr[2] + 9, data)
    assert await bench.model(1).mem_read(device.bar_addr[2] + 9, 300) == data
