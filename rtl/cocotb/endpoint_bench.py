"""Our endpoint, alone, below a root port of cocotbext-pcie."""

from typing import Any, List

from cocotb.triggers import ClockCycles
from cocotbext.pcie.core import RootComplex
from cocotbext.pcie.core.caps import PciCapId, PciExtCapId
from cocotbext.pcie.core.tlp import CplStatus, Tlp
from cocotbext.pcie.core.utils import PcieId
from endpoint_ports import Endpoint
from firmware import Firmware
from hdl_cocotb import parameters
from hdl_cocotb.streams import sometimes
from rtl_link import RtlLink

EXPRESS, MSIX, AER = PciCapId.EXP, PciCapId.MSIX, PciExtCapId.AER
DEVICE_CONTROL = 0x08
DEVICE_STATUS = 0x0A
DEVICE_CONTROL_2 = 0x28

# What the endpoint was made with.
P = parameters()


class EndpointBench:
    """The RTL and its ports, with what stands around it."""

    def __init__(self, dut: Any) -> None:
        self.ports = Endpoint(dut)
        self.ports.hot_reset.value = 0
        # TLPs that the endpoint sent, in order.
        self.sent: List[Tlp] = []

    async def start(self, pause: float = 0) -> None:
        """Resets the RTL and attaches the root complex. In so many cycles of 1, each stream of the link pauses."""
        ports = self.ports
        await ports.start()
        self.firmware = Firmware(ports.firmware_request, ports.firmware_response, ports.firmware_interrupt)
        self.rc = RootComplex()
        self.link = RtlLink(self.rc.make_port().downstream_port, ports.rx, ports.rx_fc, ports.tx, ports.tx_fc, P["width"])
        self.link.on_tlp = self.sent.append
        if pause > 0:
            for stream in (ports.rx, ports.rx_fc, ports.tx, ports.tx_fc):
                stream.pause = sometimes(pause)

    async def enumerated(self, pause: float = 0, enable: bool = True) -> None:
        """The same, and the root complex has enumerated the endpoint and enabled it."""
        await self.start(pause)
        await self.rc.enumerate()
        self.device = self.rc.find_device(PcieId(1, 0, 0))
        assert self.device is not None, "the root complex found no device on bus 1"
        self.registers = self.device.bar_window[0]
        self.memory = self.device.bar_window[2]
        if enable:
            await self.device.enable_device()
            await self.device.set_master()

    async def cycles(self, count: int) -> None:
        await ClockCycles(self.ports.clk, count)

    async def control(self, offset: int) -> int:
        """A word of the PCI Express capability."""
        return await self.device.capability_read_word(EXPRESS, offset)

    async def limits(self, payload: int, request: int) -> None:
        """Sets payload and read request limits, in bytes, of endpoint and root complex."""
        encoded = [n.bit_length() - 8 for n in (payload, request)]
        await self.device.set_mps(encoded[0])
        await self.device.set_readrq(encoded[1])
        self.rc.max_payload_size, self.rc.max_read_request_size = encoded

    def completions(self) -> List[Tlp]:
        return [tlp for tlp in self.sent if tlp.is_completion()]

    def requests(self) -> List[Tlp]:
        return [tlp for tlp in self.sent if not tlp.is_completion()]


def check_completions(completions: List[Tlp], address: int, length: int, payload: int, boundary: int = 128) -> None:
    """Holds the completions of one read to C54 to C57, independently of the model."""
    at, left = address, length
    for i, each in enumerate(completions):
        assert each.status == CplStatus.SC, f"completion {i}: {each!r}"
        assert each.byte_count == left, f"completion {i} has byte count {each.byte_count}, and {left} bytes remain"
        assert each.lower_address == at & 0x7F, f"completion {i} has lower address {each.lower_address:#x} and begins at {at:#x}"
        assert 4 * each.length <= payload, f"completion {i} has {4 * each.length} bytes, above the limit of {payload}"
        carried = min(left, 4 * each.length - (at & 3))
        at += carried
        left -= carried
        assert left == 0 or at % boundary == 0, f"completion {i} ends at {at:#x}, which is no multiple of {boundary}"
    assert left == 0, f"{left} bytes of {length} did not come"
