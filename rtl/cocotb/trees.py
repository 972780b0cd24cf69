"""What the benches with more than one device share."""

from typing import Any, Iterable, List

from cocotbext.pcie.core import Device, MemoryEndpoint, RootComplex
from cocotbext.pcie.core.bridge import RootPort
from cocotbext.pcie.core.pci import PciBus, PciDevice
from cocotbext.pcie.core.tlp import Tlp

UPSTREAM_PORT, DOWNSTREAM_PORT = 5, 6


class TurningRootPort(RootPort):
    """A root port that sends back what came from below and is for below, as an access control service that redirects needs it. cocotbext-pcie's refuses it."""

    async def downstream_recv(self, tlp: Tlp) -> None:
        if self.match_tlp_secondary(tlp):
            await self.route_downstream_tlp(tlp, True)
        else:
            await super().downstream_recv(tlp)


def memory_device(size: int) -> Device:
    """A model of a device with memory behind a 64-bit prefetchable BAR 0, and behind the 32-bit BAR 2."""
    function = MemoryEndpoint()
    function.vendor_id, function.device_id = 0x1234, 0xCAFE
    function.add_prefetchable_mem_region(size)
    function.add_mem_region(4096)
    return Device(function)


def all_devices(bus: PciBus) -> Iterable[PciDevice]:
    """Every function that the root complex found, depth first."""
    for device in bus.devices:
        yield device
        if device.subordinate:
            yield from all_devices(device.subordinate)


async def enumerate_all(rc: RootComplex, timeout: int = 20000) -> List[PciDevice]:
    """Enumerates and enables everything. cocotbext-pcie forgets to wait for the bus master enable of bridges that are enabled already."""
    await rc.enumerate(timeout=timeout)
    found = list(all_devices(rc.host_bridge.bus))
    for device in found:
        if not device.is_bridge():
            await device.enable_device()
    for device in found:
        await device.set_master()
    return found


async def fill(window: Any, offset: int, data: bytes) -> None:
    """Writes to a device, and comes back when the data is there: a read behind it has been answered. Nothing else orders it before what others do there."""
    await window.write(offset, data)
    await window.read(offset, 1)


class Counter:
    """Counts the TLPs of a kind that pass on a link from the RTL."""

    def __init__(self) -> None:
        self.requests = 0
        self.completions = 0

    def __call__(self, tlp: Any) -> None:
        if tlp.is_completion():
            self.completions += 1
        else:
            self.requests += 1
