"""What the one who started the run passed to the tests."""

import json
import os
from typing import Any

import cocotb


def parameters() -> Any:
    """The `parameters` of the run, as JSON gives them: numbers, strings, lists, dictionaries."""
    return json.loads(os.environ.get("HDL_COCOTB_PARAMETERS", "{}"))


def plusarg(name: str, default: str = "") -> str:
    """The value of `+name=value`, or `default`; "" for `+name` alone."""
    value = cocotb.plusargs.get(name, default)
    return value if isinstance(value, str) else ""
