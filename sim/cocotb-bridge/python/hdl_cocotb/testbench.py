"""Clock and reset of a design."""

from typing import Any, Sequence

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge


def start_clock(clock: Any, period: float = 4, unit: str = "ns") -> None:
    """Runs a clock until the test ends."""
    Clock(clock, period, unit=unit).start()


async def reset(clock: Any, resets: Sequence[Any], cycles: int = 2) -> None:
    """Holds active-high resets for `cycles` edges of their clock, and comes back before the first edge without."""
    for each in resets:
        each.value = 1
    await ClockCycles(clock, cycles)
    for each in resets:
        each.value = 0
    # The write takes effect after this edge.
    await RisingEdge(clock)
