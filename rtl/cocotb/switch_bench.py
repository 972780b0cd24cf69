"""Our switch: cocotbext-pcie's root complex above, its memory devices below the first two ports, our endpoint below the third."""

from typing import Any, List

from cocotb.triggers import ClockCycles
from cocotbext.pcie.core import RootComplex
from cocotbext.pcie.core.caps import PciCapId, PciExtCapId
from cocotbext.pcie.core.utils import PcieId
from firmware import Firmware
from hdl_cocotb import parameters
from hdl_cocotb.streams import sometimes
from open_fabric_ports import OpenFabric
from rtl_link import RtlLink
from trees import Counter, TurningRootPort, enumerate_all, memory_device

P = parameters()
MODEL_BYTES = 16384
EXPRESS, AER, ACS = PciCapId.EXP, PciExtCapId.AER, PciExtCapId.ACS


class SwitchBench:
    def __init__(self, dut: Any) -> None:
        self.ports = OpenFabric(dut)
        self.ports.hot_reset.value = 0
        for up in self.ports.link_up:
            up.value = 1

    async def enumerated(self, pause: float = 0, turning: bool = False) -> None:
        """Resets the RTL, joins the models, and lets the root complex find and enable everything."""
        ports = self.ports
        await ports.start()
        self.firmware = Firmware(ports.firmware_request, ports.firmware_response, ports.firmware_interrupt)
        self.rc = RootComplex()
        if turning:
            self.rc.default_downstream_bridge = TurningRootPort
        streams = [(ports.upstream_rx, ports.upstream_rx_fc, ports.upstream_tx, ports.upstream_tx_fc)]
        streams += list(zip(ports.downstream_rx, ports.downstream_rx_fc, ports.downstream_tx, ports.downstream_tx_fc))
        self.models = [memory_device(MODEL_BYTES) for _ in streams[1:]]
        ends = [self.rc.make_port().downstream_port] + [model.upstream_port for model in self.models]
        self.links: List[RtlLink] = [RtlLink(end, *four, P["width"]) for end, four in zip(ends, streams)]
        self.root_link = self.links[0]
        if pause > 0:
            for stream in [each for four in streams for each in four]:
                stream.pause = sometimes(pause)
        self.up = Counter()
        self.root_link.on_tlp = self.up
        self.found = await enumerate_all(self.rc)
        find = self.rc.find_device
        self.bridge = find(PcieId(1, 0, 0))
        self.downstream = [find(PcieId(2, port, 0)) for port in range(3)]
        self.peers = [find(PcieId(3 + port, 0, 0)) for port in range(2)]
        self.device = find(PcieId(5, 0, 0))
        self.registers, self.memory = self.device.bar_window[0], self.device.bar_window[2]

    async def cycles(self, count: int) -> None:
        await ClockCycles(self.ports.clk, count)

    def model(self, number: int) -> Any:
        """The function of a model, which can send requests of its own."""
        return self.models[number].functions[0]
