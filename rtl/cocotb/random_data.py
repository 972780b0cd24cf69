"""Random data and places, by cocotb's random numbers, which follow the seed of the run."""

import random
from typing import Tuple


def random_bytes(length: int) -> bytes:
    return random.randbytes(length)


def random_range(size: int, longest: int) -> Tuple[int, int]:
    """A random offset and length in `size` bytes: short ones, long ones and aligned ones all come."""
    length = random.choice([random.randint(1, 8), random.randint(1, longest), 1 << random.randint(0, longest.bit_length() - 1)])
    offset = random.randrange(size - length + 1)
    if random.random() < 0.3:
        offset &= ~0x7F
    return offset, length
