"""Our endpoint below cocotbext-pcie's switch, beside one of its devices."""

import random

import cocotb
from cocotb.triggers import with_timeout
from cocotbext.pcie.core import RootComplex, Switch
from cocotbext.pcie.core.utils import PcieId
from endpoint_bench import EndpointBench, P
from firmware import Firmware, Register
from random_data import random_bytes, random_range
from rtl_link import RtlLink
from trees import enumerate_all, fill, memory_device

LIMIT = {"timeout_time": 2, "timeout_unit": "ms"}
SIZE = 16384


class BehindSwitch(EndpointBench):
    """Root port, switch and device are models; the endpoint below the switch's second port is ours."""

    async def enumerated(self, pause: float = 0, enable: bool = True) -> None:
        ports = self.ports
        await ports.start()
        self.firmware = Firmware(ports.firmware_request, ports.firmware_response, ports.firmware_interrupt)
        self.rc = RootComplex()
        switch = Switch()
        self.rc.make_port().connect(switch)
        self.model = memory_device(SIZE)
        switch.make_port().connect(self.model)
        self.link = RtlLink(switch.make_port().downstream_port, ports.rx, ports.rx_fc, ports.tx, ports.tx_fc, P["width"])
        self.link.on_tlp = self.sent.append
        self.found = await enumerate_all(self.rc)
        self.peer, self.device = self.rc.find_device(PcieId(3, 0, 0)), self.rc.find_device(PcieId(4, 0, 0))
        self.registers, self.memory = self.device.bar_window[0], self.device.bar_window[2]


@cocotb.test(**LIMIT)
async def it_is_found_on_bus_4(dut):
    """C20, C21: two levels of buses down."""
    bench = BehindSwitch(dut)
    await bench.enumerated()
    assert (bench.device.vendor_id, bench.device.device_id) == (P["vendor_id"], P["device_id"])
    assert bench.device.bar_size[2] == P["memory_bytes"]
    assert bench.sent[-1].completer_id == PcieId(4, 0, 0)


@cocotb.test(**LIMIT)
async def the_host_uses_it_through_the_switch(dut):
    """Memory, DMA both ways and interrupts."""
    bench = BehindSwitch(dut)
    await bench.enumerated()
    copy = bytearray(random_bytes(4096))
    await fill(bench.memory, 0, copy)
    region = bench.rc.mem_pool.alloc_region(8192)
    base = region.get_absolute_address(0)
    for _ in range(6):
        offset, length = random_range(len(copy), 1500)
        assert await bench.firmware.dma(Register.WRITE_DMA, base + 3, offset, length) == 0
        assert await bench.firmware.dma(Register.READ_DMA, base + 3, 8192, length) == 0
        assert await bench.memory.read(8192, length) == copy[offset : offset + length]
    await bench.device.alloc_irq_vectors(1, 8)
    came = bench.device.msi_vectors[3].event
    came.clear()
    await bench.firmware.interrupt(3)
    await with_timeout(came.wait(), 20, "us")


@cocotb.test(**LIMIT)
async def its_dma_reaches_the_model_of_a_peer(dut):
    """Peer-to-peer: our requests, their completions."""
    bench = BehindSwitch(dut)
    await bench.enumerated()
    source = random_bytes(SIZE // 2)
    await fill(bench.memory, 0, source)
    peer = bench.peer.bar_addr[0]
    for _ in range(8):
        offset, length = random_range(len(source), 1500)
        to = random.randrange(SIZE - length)
        assert await bench.firmware.dma(Register.WRITE_DMA, peer + to, offset, length) == 0
        assert await bench.firmware.dma(Register.READ_DMA, peer + to, SIZE, length) == 0
        assert await bench.memory.read(SIZE, length) == source[offset : offset + length]
        assert await bench.peer.bar_window[0].read(to, length) == source[offset : offset + length]


@cocotb.test(**LIMIT)
async def the_model_of_a_peer_reaches_its_memory(dut):
    """Peer-to-peer: their requests, our completions."""
    bench = BehindSwitch(dut)
    await bench.enumerated()
    copy = bytearray(random_bytes(4096))
    await fill(bench.memory, 0, copy)
    (model,) = bench.model.functions
    address = bench.device.bar_addr[2]
    for _ in range(20):
        offset, length = random_range(len(copy), 600)
        copy[offset : offset + length] = data = random_bytes(length)
        await model.mem_write(address + offset, data)
        assert await model.mem_read(address + offset, length) == data
    assert await bench.memory.read(0, len(copy)) == copy
