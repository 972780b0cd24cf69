"""Streams of a design: sources drive its inputs, sinks take from its outputs. A transfer happens at a clock edge with `valid` and `ready`."""

import random
from collections import deque
from typing import Any, Callable, Deque, Generic, List, Optional, Sequence, Type, TypeVar

import cocotb
from cocotb.triggers import Event, RisingEdge

from .payload import Codec

T = TypeVar("T")
# Asked once per cycle: whether the stream pauses in it.
Pause = Callable[[], bool]


def sometimes(probability: float) -> Pause:
    """Pauses in so many cycles of 1, by cocotb's random numbers, which follow the seed of the run."""
    return lambda: random.random() < probability


class _Stream(Generic[T]):
    """What both kinds share. `type` makes a payload; `on_transfer` is called with each payload at the edge at which it moves."""

    def __init__(self, entity: Any, name: str, type: Type[T], clock: Any, is_signed: bool = False) -> None:
        self.name = name
        self.type = type
        self.pause: Optional[Pause] = None
        self.on_transfer: Optional[Callable[[T], None]] = None
        self.clock = clock
        self._valid = getattr(entity, f"{name}_valid")
        self._ready = getattr(entity, f"{name}_ready")
        # A plain payload is called payload.
        plain = not hasattr(type, "__dataclass_fields__")
        self._codec = Codec(entity, f"{name}_payload" if plain else name, type, is_signed)
        self._edge = RisingEdge(clock)

    def _pauses(self) -> bool:
        return self.pause is not None and self.pause()

    def _moved(self, payload: T) -> None:
        if self.on_transfer is not None:
            self.on_transfer(payload)


class StreamSource(_Stream[T]):
    """Drives a stream: payloads go out in the order of `put`, one per cycle if the design takes them."""

    def __init__(self, entity: Any, name: str, type: Type[T], clock: Any, is_signed: bool = False) -> None:
        super().__init__(entity, name, type, clock, is_signed)
        self._queue: Deque[T] = deque()
        self._filled = Event()
        self._emptied = Event()
        self._last: List[Any] = [None] * len(self._codec.signals)
        for signal in self._codec.signals:
            signal.value = 0
        self._valid.value = 0
        cocotb.start_soon(self._run())

    @property
    def waiting(self) -> int:
        """Payloads that the design has not taken yet."""
        return len(self._queue)

    def put(self, *payloads: T) -> None:
        """Queues payloads."""
        self._queue.extend(payloads)
        self._filled.set()

    async def send(self, *payloads: T) -> None:
        """Queues payloads and waits until the design has taken all that is queued."""
        self.put(*payloads)
        await self.drained()

    async def drained(self) -> None:
        """Waits until the design has taken all that is queued."""
        while self._queue:
            self._emptied.clear()
            await self._emptied.wait()

    async def _run(self) -> None:
        while True:
            while not self._queue:
                self._filled.clear()
                self._emptied.set()
                await self._filled.wait()
                await self._edge
            while self._pauses():
                await self._edge
            payload = self._queue[0]
            self._codec.write(payload, self._last)
            self._valid.value = 1
            await self._edge
            while self._ready.value != 1:
                await self._edge
            self._queue.popleft()
            self._valid.value = 0
            self._moved(payload)


class StreamSink(_Stream[T]):
    """Takes from a stream, a payload per cycle unless it pauses, and keeps what came until `get`."""

    def __init__(self, entity: Any, name: str, type: Type[T], clock: Any, is_signed: bool = False) -> None:
        super().__init__(entity, name, type, clock, is_signed)
        self._queue: Deque[T] = deque()
        self._filled = Event()
        # With a function in `on_transfer` payloads need not be kept.
        self.keep = True
        # What becomes of bits that are neither 0 nor 1: "error", or "zeros", "ones" and "random" as cocotb has them, where parts of a payload may mean nothing.
        self.unknown = "error"
        self._ready.value = 1
        cocotb.start_soon(self._run())

    def __len__(self) -> int:
        """Payloads that came and were not fetched by `get`."""
        return len(self._queue)

    async def get(self) -> T:
        """The oldest payload; waits for one if there is none."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()

    async def take(self, count: int) -> Sequence[T]:
        """The next so many payloads."""
        return [await self.get() for _ in range(count)]

    async def _run(self) -> None:
        rises = RisingEdge(self._valid)
        ready = True
        while True:
            if self._valid.value != 1:
                # Nothing to look at until there is a payload.
                await rises
            await self._edge
            if ready and self._valid.value == 1:
                payload = self._codec.read(self.unknown)
                if self.keep:
                    self._queue.append(payload)
                    self._filled.set()
                self._moved(payload)
            if self.pause is not None or not ready:
                ready = not self._pauses()
                self._ready.value = int(ready)
