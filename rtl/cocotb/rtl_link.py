"""A link between a port of cocotbext-pcie and the RTL."""

from dataclasses import dataclass
from typing import Any, Callable, List, Optional

import cocotb
from cocotb.triggers import Timer
from cocotbext.pcie.core.dllp import Dllp, DllpType, FcType
from cocotbext.pcie.core.port import SimPort
from cocotbext.pcie.core.tlp import Tlp

from wire import Assembler, is_message, to_beats

FC_TYPES = (FcType.P, FcType.NP, FcType.CPL)


@dataclass
class Message:
    """A message that the RTL sent: cocotbext-pcie cannot take one."""

    code: int
    requester_id: int
    route: int


class RtlLink:
    """Joins a port of cocotbext-pcie to the RTL by the four streams of a link: `rx` and `rx_fc` go into the RTL, `tx` and `tx_fc` come out of it.

    The port keeps all that it does; only its wire is another. So the exchange of credits is that of cocotbext-pcie with the RTL, packet by packet, and so is
    the gating of what the model sends. What the RTL sends is held to the credits that the model gave, and its updates to what it advertised. Every TLP is
    acknowledged at once: the link loses none. Messages do not go on to the model, which knows none, but to `messages`. `on_tlp` sees each TLP that the RTL
    sends.

    Ports are `rc.make_port().downstream_port`, `device.upstream_port`, `switch.upstream_bridge.upstream_port` and `switch.make_port().downstream_port`.
    """

    def __init__(self, port: SimPort, rx: Any, rx_fc: Any, tx: Any, tx_fc: Any, width: int) -> None:
        self.port = port
        port.handle_tx = self._transmit
        self.messages: List[Message] = []
        self.on_tlp: Optional[Callable[[Tlp], None]] = None
        self._rx, self._rx_fc, self._tx = rx, rx_fc, tx
        self._width = width
        self._header = type(rx.type().header)
        self._assembler = Assembler(width)
        # CREDIT_LIMIT of the RTL by class, not reduced: headers, data; none before the first InitFC.
        self._limits: List[Optional[List[int]]] = [None, None, None]
        tx.keep = tx_fc.keep = False
        # Data of a TLP without payload, and lanes behind the end of one.
        tx.unknown = "random"
        tx.on_transfer = self._on_beat
        tx_fc.on_transfer = self._on_update

    async def _transmit(self, pkt: Any) -> None:
        """The model sends a packet."""
        if isinstance(pkt, Tlp):
            self._rx.put(*to_beats(pkt, self._width, self._rx.type, self._header))
            self.port.handle_dllp(Dllp.create_ack(pkt.seq))
        elif pkt.type & 0b1100_0000:
            await self._rx_fc.send(
                self._rx_fc.type(pkt.type >> 6, pkt.type >> 4 & 3, pkt.hdr_fc & 0xFF, pkt.data_fc & 0xFFF)
            )
        else:
            # An acknowledge: nothing that the streams have.
            await Timer(1, "step")

    def close(self) -> None:
        """From now on what the port sends goes nowhere, so that another port can take its place."""

        async def drop(pkt: Any) -> None:
            await Timer(1, "us")

        self.port.handle_tx = drop

    def _on_update(self, update: Any) -> None:
        """The RTL sends a flow control packet. The model counts modulo more than the RTL's 2^8 and 2^12."""
        dllp = Dllp()
        dllp.type = DllpType(update.kind << 6 | update.traffic << 4)
        limits = self._limits[update.traffic]
        told = (update.headers, update.data)
        if limits is None or dllp.type not in (DllpType.UPDATE_FC_P, DllpType.UPDATE_FC_NP, DllpType.UPDATE_FC_CPL):
            assert limits is None or tuple(limits) == told, f"InitFC of class {update.traffic} gave {limits} before and {told} now"
            limits = self._limits[update.traffic] = list(told)
        else:
            limits[0] += (update.headers - limits[0]) & 0xFF
            limits[1] += (update.data - limits[1]) & 0xFFF
        dllp.hdr_fc, dllp.data_fc = limits
        self.port.handle_dllp(dllp)
        state = self.port.fc_state[0]
        for each in ((state.ph, state.pd), (state.nph, state.npd), (state.cplh, state.cpld))[update.traffic]:
            if not each.tx_is_infinite():
                assert each.tx_credits_available <= each.tx_initial_allocation, (
                    f"class {update.traffic}: {each.tx_credits_available} credits are granted, more than the {each.tx_initial_allocation} that were advertised"
                )

    def _on_beat(self, beat: Any) -> None:
        beats = self._assembler.add(beat)
        if beats is None:
            return
        tlp = self._assembler.to_tlp(beats)
        self._check_credits(tlp)
        if self.on_tlp is not None:
            self.on_tlp(tlp)
        tlp.seq = self.port.next_recv_seq
        header = beats[0].header
        if is_message(header):
            self.messages.append(Message(header.last_be << 4 | header.first_be, header.requester_id, header.type & 7))
            self.port.next_recv_seq = (self.port.next_recv_seq + 1) & 0xFFF
            state = self.port.fc_state[0]
            state.rx_process_tlp_fc(tlp)
            tlp.release_fc()
            return
        assert tlp.check(), f"cocotbext-pcie finds fault with {tlp!r}"
        # Runs at once to its end: it waits for nothing.
        cocotb.start_soon(self.port.ext_recv(tlp))

    def _check_credits(self, tlp: Tlp) -> None:
        state = self.port.fc_state[0]
        headers, data = ((state.ph, state.pd), (state.nph, state.npd), (state.cplh, state.cpld))[FC_TYPES.index(tlp.get_fc_type())]
        assert state.fi2, f"a TLP before the credits were exchanged: {tlp!r}"
        assert headers.rx_credits_available >= 1, f"no header credit for {tlp!r}"
        assert data.rx_credits_available >= tlp.get_data_credits(), f"{data.rx_credits_available} data credits for {tlp!r}"
