"""Judges the Counter of the language's examples, 3 bits wide."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge


async def start(dut):
    """Runs the clock and resets the design."""
    Clock(dut.clk, 10, unit="ns").start()
    dut.en.value = 0
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
async def counts_enabled_cycles_and_wraps(dut):
    await start(dut)
    assert dut.count.value == 0
    dut.en.value = 1
    for _ in range(9):
        await FallingEdge(dut.clk)
    assert dut.count.value == 1


@cocotb.test()
async def holds_while_it_is_not_enabled(dut):
    await start(dut)
    dut.en.value = 1
    await FallingEdge(dut.clk)
    dut.en.value = 0
    for _ in range(5):
        await FallingEdge(dut.clk)
    assert dut.count.value == 1


@cocotb.test()
async def expects_too_much(dut):
    """Wrong on purpose: the bridge has to report it."""
    await start(dut)
    assert dut.count.value == 5
