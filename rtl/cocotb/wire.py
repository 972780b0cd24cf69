"""Beats of our TLP streams (rtl/src/tlp/tlp.ts) as cocotbext-pcie's TLPs, and the other way round. The headers go through cocotbext-pcie's own packing of a
header's bytes, so that its reading of the format judges ours."""

import struct
from typing import Any, List, Optional, Sequence

from cocotbext.pcie.core.tlp import Tlp, TlpType

COMPLETIONS = (0b01010, 0b01011)


def is_message(header: Any) -> bool:
    """Msg or MsgD, of which cocotbext-pcie knows nothing but the type."""
    return header.type >> 3 == 0b10


def unpacked(packed: bytes, make: Any) -> Any:
    """The bytes of a header as our unpacked header; `make` is its class."""
    words = struct.unpack(f">{len(packed) // 4}L", packed)
    first, second, third = words[:3]
    h = make()
    h.fmt, h.type = first >> 29, first >> 24 & 31
    h.tc = first >> 20 & 7
    h.attr = (first >> 18 & 1) << 2 | first >> 12 & 3
    h.th, h.td, h.ep = first >> 16 & 1, first >> 15 & 1, first >> 14 & 1
    h.at = first >> 10 & 3
    h.length = first & 0x3FF
    high_tag = (first >> 23 & 1) << 9 | (first >> 19 & 1) << 8
    if h.type in COMPLETIONS:
        h.requester_id = third >> 16
        h.tag = high_tag | third >> 8 & 0xFF
        h.address = second << 32 | third & 0x7F
    else:
        h.requester_id = second >> 16
        h.tag = high_tag | second >> 8 & 0xFF
        h.last_be, h.first_be = second >> 4 & 15, second & 15
        h.address = third << 32 | words[3] if len(words) == 4 else third
    return h


def packed(h: Any) -> bytes:
    """The bytes of an unpacked header."""
    first = h.fmt << 29 | h.type << 24 | (h.tag >> 9 & 1) << 23 | h.tc << 20 | (h.tag >> 8 & 1) << 19 | (h.attr >> 2) << 18
    first |= h.th << 16 | h.td << 15 | h.ep << 14 | (h.attr & 3) << 12 | h.at << 10 | h.length
    if h.type in COMPLETIONS:
        low = h.requester_id << 16 | (h.tag & 0xFF) << 8 | h.address & 0x7F
        return struct.pack(">3L", first, h.address >> 32, low)
    second = h.requester_id << 16 | (h.tag & 0xFF) << 8 | h.last_be << 4 | h.first_be
    if h.fmt & 1:
        return struct.pack(">2LQ", first, second, h.address)
    assert h.address >> 32 == 0, f"a header of 3 DW cannot have the address {h.address:#x}"
    return struct.pack(">3L", first, second, h.address)


def to_beats(tlp: Tlp, width: int, make_beat: Any, make_header: Any) -> List[Any]:
    """The beats of a TLP on a stream of `width` bits."""
    header = unpacked(bytes(tlp.pack_header()), make_header)
    lanes = width // 8
    data = bytes(tlp.data)
    count = max(1, -(-len(data) // lanes))
    return [
        make_beat(header, int.from_bytes(data[i * lanes : (i + 1) * lanes], "little"), int(i == 0), int(i == count - 1))
        for i in range(count)
    ]


class Assembler:
    """Puts beats together, and holds them to the rules of the stream: first and last, one header in all beats of a packet, as many beats as its length says."""

    def __init__(self, width: int) -> None:
        self.lanes = width // 8
        self.beats: List[Any] = []

    def add(self, beat: Any) -> Optional[Sequence[Any]]:
        """The beats of a packet, if this was its last one."""
        assert bool(beat.first) == (not self.beats), f"beat {len(self.beats)} of a packet has first = {beat.first}: {beat.header}"
        if self.beats:
            assert beat.header == self.beats[0].header, f"the header changes within a packet: {self.beats[0].header} then {beat.header}"
        self.beats.append(beat)
        expected = max(1, -(-self.payload_bytes(beat.header) // self.lanes))
        assert bool(beat.last) == (len(self.beats) == expected), f"beat {len(self.beats)} of {expected} has last = {beat.last}: {beat.header}"
        if not beat.last:
            return None
        whole, self.beats = self.beats, []
        return whole

    @staticmethod
    def payload_bytes(header: Any) -> int:
        return 4 * (header.length or 1024) if header.fmt & 2 else 0

    def to_tlp(self, beats: Sequence[Any]) -> Tlp:
        """A packet as cocotbext-pcie has it. Of a message only what flow control needs."""
        header = beats[0].header
        assert header.td == 0, f"a digest that nobody enabled: {header}"
        if is_message(header):
            tlp = Tlp()
            tlp.fmt_type = TlpType((header.fmt, header.type))
        else:
            tlp = Tlp.unpack_header(packed(header))
        data = b"".join(beat.data.to_bytes(self.lanes, "little") for beat in beats)
        tlp.data = bytearray(data[: self.payload_bytes(header)])
        return tlp
