"""What the Python classes of a design's ports are made of, and what tests of designs need again and again."""

from .parameters import parameters, plusarg
from .streams import StreamSink, StreamSource
from .testbench import reset, start_clock

__all__ = ["StreamSink", "StreamSource", "parameters", "plusarg", "reset", "start_clock"]
