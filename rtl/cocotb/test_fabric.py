"""cocotbext-pcie's root complex enumerates and uses our whole fabric: the switch and the three endpoints of the default topology."""

import random

import cocotb
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.pcie.core import RootComplex
from cocotbext.pcie.core.utils import PcieId
from fabric_ports import Fabric
from firmware import Firmware, Register
from hdl_cocotb import parameters
from hdl_cocotb.streams import sometimes
from random_data import random_bytes
from rtl_link import RtlLink
from trees import Counter, enumerate_all, fill

LIMIT = {"timeout_time": 4, "timeout_unit": "ms"}
P = parameters()
COUNT = len(P["endpoints"])


class FabricBench:
    def __init__(self, dut) -> None:
        self.ports = Fabric(dut)
        self.ports.root_hot_reset.value = 0

    async def enumerated(self, pause: float = 0) -> None:
        ports = self.ports
        await ports.start()
        self.firmware = [Firmware(*each) for each in zip(ports.firmware_request, ports.firmware_response, ports.firmware_interrupt)]
        self.rc = RootComplex()
        streams = (ports.root_rx, ports.root_rx_fc, ports.root_tx, ports.root_tx_fc)
        self.link = RtlLink(self.rc.make_port().downstream_port, *streams, P["width"])
        for stream in streams if pause else ():
            stream.pause = sometimes(pause)
        self.up = Counter()
        self.link.on_tlp = self.up
        self.found = await enumerate_all(self.rc)
        self.devices = [self.rc.find_device(PcieId(3 + i, 0, 0)) for i in range(COUNT)]
        self.memories = [device.bar_window[2] for device in self.devices]
        self.addresses = [device.bar_addr[2] for device in self.devices]


@cocotb.test(**LIMIT)
async def root_complex_enumerates_it(dut):
    """Every device of the topology, with its memory; the firmware is told the same addresses."""
    bench = FabricBench(dut)
    await bench.enumerated()
    assert [str(each.pcie_id) for each in bench.found[1:]] == [
        "01:00.0",
        *[name for i in range(COUNT) for name in (f"02:{i:02x}.0", f"{3 + i:02x}:00.0")],
    ]
    for device, described, firmware in zip(bench.devices, P["endpoints"], bench.firmware):
        assert (device.vendor_id, device.device_id) == (described["vendor_id"], described["device_id"])
        assert device.bar_size[2] == described["memory_bytes"]
        told = await firmware.read(Register.MEMORY_LOW) | await firmware.read(Register.MEMORY_HIGH) << 32
        assert told == device.bar_addr[2]


@cocotb.test(**LIMIT)
async def the_host_reaches_every_memory(dut):
    """All endpoints at once, on a link that pauses."""
    bench = FabricBench(dut)
    await bench.enumerated(pause=0.1)

    async def uses(number: int) -> None:
        numbers = random.Random(number)
        copy = bytearray(numbers.randbytes(2048))
        await bench.memories[number].write(0, copy)
        for _ in range(10):
            length = numbers.randint(1, 700)
            offset = numbers.randrange(len(copy) - length)
            copy[offset : offset + length] = data = numbers.randbytes(length)
            await bench.memories[number].write(offset, data)
        assert await bench.memories[number].read(0, len(copy)) == copy

    for user in [cocotb.start_soon(uses(i)) for i in range(COUNT)]:
        await user


@cocotb.test(**LIMIT)
async def every_pair_of_endpoints_moves_data(dut):
    """Peer-to-peer: each endpoint writes to and reads from the memory of each other one; the root link carries none of it."""
    bench = FabricBench(dut)
    await bench.enumerated()
    parts = [random_bytes(1000) for _ in range(COUNT)]
    for memory, part in zip(bench.memories, parts):
        await fill(memory, 0, part)
    before = bench.up.requests
    for source in range(COUNT):
        for target in range(COUNT):
            if source == target:
                continue
            address = bench.addresses[target]
            assert await bench.firmware[source].dma(Register.WRITE_DMA, address + 1024 + 3, 0, 1000) == 0
            assert await bench.firmware[source].dma(Register.READ_DMA, address, 2100, 999) == 0
            assert await bench.memories[target].read(1024 + 3, 1000) == parts[source]
            assert await bench.memories[source].read(2100, 999) == parts[target][:999]
    assert bench.up.requests == before


@cocotb.test(**LIMIT)
async def all_endpoints_use_host_memory_at_once(dut):
    """Reads and writes of all of them meet on the root link, with interrupts at the end."""
    bench = FabricBench(dut)
    await bench.enumerated()
    region = bench.rc.mem_pool.alloc_region(16384)
    base = region.get_absolute_address(0)

    async def uses(number: int) -> None:
        data = random_bytes(1500)
        at = base + 4096 * number + 5
        await fill(bench.memories[number], 0, data)
        for _ in range(3):
            assert await bench.firmware[number].dma(Register.WRITE_DMA, at, 0, 1500) == 0
            assert await bench.firmware[number].dma(Register.READ_DMA, at, 2048, 1500) == 0
        assert await bench.memories[number].read(2048, 1500) == data
        await bench.devices[number].alloc_irq_vectors(1, 32)
        came = bench.devices[number].msi_vectors[number].event
        came.clear()
        await bench.firmware[number].interrupt(number)
        await with_timeout(came.wait(), 20, "us")
        assert await region.read(4096 * number + 5, 1500) == data

    for user in [cocotb.start_soon(uses(i)) for i in range(COUNT)]:
        await user


@cocotb.test(**LIMIT)
async def a_hot_reset_of_the_root_link_clears_everything(dut):
    """C85: after it the whole fabric can be enumerated anew."""
    bench = FabricBench(dut)
    await bench.enumerated()
    bench.ports.root_hot_reset.value = 1
    await ClockCycles(bench.ports.clk, 50)
    assert bench.ports.root_up.value == 0
    bench.ports.root_hot_reset.value = 0
    # The link is a new one for the model, too.
    bench.link.close()
    streams = (bench.ports.root_rx, bench.ports.root_rx_fc, bench.ports.root_tx, bench.ports.root_tx_fc)
    bench.rc = RootComplex()
    RtlLink(bench.rc.make_port().downstream_port, *streams, P["width"])
    bench.found = await enumerate_all(bench.rc)
    assert len(bench.found) == 2 + 2 * COUNT
    data = random_bytes(100)
    window = bench.found[-1].bar_window[2]
    await window.write(11, data)
    assert await window.read(11, 100) == data
