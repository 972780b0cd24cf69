"""The device's own processor, played by the test: the registers of docs/registers-firmware.md through the firmware port."""

from enum import IntEnum
from typing import Any

from cocotb.triggers import RisingEdge


class Register(IntEnum):
    """Byte offsets."""

    EVENTS = 0x000
    EVENT_ENABLE = 0x004
    DOORBELL_NEXT = 0x008
    DOORBELL_VALUE = 0x00C
    MEMORY_LOW = 0x010
    MEMORY_HIGH = 0x014
    MEMORY_BYTES = 0x018
    FUNCTION_STATE = 0x01C
    WRITE_DMA = 0x100
    READ_DMA = 0x120
    POST_LOW = 0x180
    POST_HIGH = 0x184
    POST_DATA = 0x188
    MSIX_TRIGGER = 0x190


class Event(IntEnum):
    """Bits of `EVENTS`."""

    DOORBELL = 0
    READ_DMA = 2
    WRITE_DMA = 1
    POST = 5


# Offsets from the first register of a DMA engine.
ADDRESS_LOW, ADDRESS_HIGH, MEMORY_OFFSET, LENGTH, CONTROL, STATUS = range(0, 24, 4)
START, LOCAL_MEMORY = 1 << 0, 1 << 1


class Firmware:
    """Accesses go out one by one in the order of the calls."""

    def __init__(self, request: Any, response: Any, interrupt: Any) -> None:
        self._request = request
        self._response = response
        self._interrupt = interrupt

    async def read(self, register: int) -> int:
        self._request.put(self._request.type(0, int(register), 0))
        return await self._response.get()

    async def write(self, register: int, value: int) -> None:
        await self._request.send(self._request.type(1, int(register), value & 0xFFFFFFFF))

    async def next_event(self, event: Event) -> None:
        """Waits for the interrupt of an event, and clears it."""
        await self.write(Register.EVENT_ENABLE, 1 << event)
        while not (await self.read(Register.EVENTS)) >> event & 1:
            if self._interrupt.value != 1:
                await RisingEdge(self._interrupt)
        await self.write(Register.EVENTS, 1 << event)

    async def dma(self, engine: Register, address: int, offset: int, length: int) -> int:
        """Moves `length` bytes between an address of PCI Express and the BAR memory. Gives the outcome: 0 is success, else see `write_dma_status`."""
        await self.write(engine + ADDRESS_LOW, address)
        await self.write(engine + ADDRESS_HIGH, address >> 32)
        await self.write(engine + MEMORY_OFFSET, offset)
        await self.write(engine + LENGTH, length)
        await self.write(engine + CONTROL, START | LOCAL_MEMORY)
        await self.next_event(Event.READ_DMA if engine == Register.READ_DMA else Event.WRITE_DMA)
        status = await self.read(engine + STATUS)
        assert status & 1 == 0, "the engine has told of its end and is busy"
        return status >> 1 & 7

    async def post(self, address: int, value: int) -> None:
        """A posted write of one DW."""
        await self.write(Register.POST_LOW, address)
        await self.write(Register.POST_HIGH, address >> 32)
        await self.write(Register.POST_DATA, value)
        await self.next_event(Event.POST)

    async def interrupt(self, vector: int) -> None:
        """Triggers an MSI-X vector."""
        await self.write(Register.MSIX_TRIGGER, vector)
