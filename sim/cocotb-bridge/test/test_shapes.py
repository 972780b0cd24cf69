"""Every kind of port through the Python class of a design."""

import random

import cocotb
from cocotb.triggers import ClockCycles
from hdl_cocotb import plusarg
from shapes_ports import Colour, Item, Point, Shapes, Shapes2


def random_item() -> Item:
    path = [Point(random.randint(-32, 31), random.randint(-32, 31)) for _ in range(3)]
    return Item(Colour(random.randrange(3)), path, [random.randrange(32) for _ in range(2)], random.getrandbits(70), random.randint(-4, 3))


@cocotb.test()
async def bundles_vectors_and_states_go_through(dut):
    ports = Shapes(dut)
    await ports.start()
    items = [random_item() for _ in range(20)]
    ports.items.put(*items)
    assert await ports.items_out.take(20) == items
    assert isinstance(items[0].colour, Colour) and {each.name for each in Colour} == {"Red", "Green", "Blue"}


@cocotb.test()
async def vectors_of_streams_are_lists(dut):
    ports = Shapes(dut)
    await ports.start()
    for source, value in zip(ports.lanes, (1, 0x1FF)):
        source.put(value)
    assert [await sink.get() for sink in ports.lanes_out] == [1, -1]


@cocotb.test()
async def names_that_clash_get_another_one(dut):
    ports = Shapes(dut)
    await ports.start()
    ports.start_.put(Shapes2(corners=9))
    assert await ports.shapes.get() == Shapes2(9)


@cocotb.test()
async def bundles_of_signals_have_their_handles(dut):
    ports = Shapes(dut)
    await ports.start()
    ports.point.x.value, ports.point.y.value = 3, 60
    ports.flag.value = 1
    await ClockCycles(ports.clk, 2)
    assert ports.point_out.x.value == 3 and ports.point_out.y.value.to_signed() == -4


@cocotb.test()
async def plusargs_arrive(dut):
    assert (plusarg("mode"), plusarg("depth"), plusarg("missing", "none")) == ("", "12", "none")
    assert "mode" in cocotb.plusargs


@cocotb.test()
async def streams_pause_and_lose_nothing(dut):
    ports = Shapes(dut)
    await ports.start()
    ports.items.pause = lambda: random.random() < 0.5
    ports.items_out.pause = lambda: random.random() < 0.5
    items = [random_item() for _ in range(40)]
    moved = []
    ports.items.on_transfer = moved.append
    await ports.items.send(*items)
    assert moved == items and ports.items.waiting == 0
    assert await ports.items_out.take(40) == items
