import random

import cocotb
from hdl_cocotb import parameters
from hdl_cocotb.streams import sometimes
from packet_sum_ports import PacketSum, Sample, Sum

LIMIT = parameters()["limit"]


@cocotb.test()
async def adds_the_samples_of_a_packet(dut):
    ports = PacketSum(dut)
    await ports.start()
    ports.sample.put(Sample(5), Sample(-7), Sample(1, last=1))
    assert await ports.sum.get() == Sum(total=-1, samples=3)


@cocotb.test(timeout_time=100, timeout_unit="us")
async def keeps_up_with_random_packets(dut):
    ports = PacketSum(dut)
    await ports.start()
    ports.sample.pause = sometimes(0.2)
    ports.sum.pause = sometimes(0.4)
    for _ in range(50):
        values = [random.randint(-128, 127) for _ in range(random.randint(1, LIMIT))]
        ends_itself = len(values) == LIMIT
        ports.sample.put(*[Sample(value) for value in values[:-1]], Sample(values[-1], last=int(not ends_itself)))
        assert await ports.sum.get() == Sum(sum(values), len(values))
