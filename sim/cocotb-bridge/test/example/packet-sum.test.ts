import { cocotb } from '@hdl/cocotb-bridge/vitest';
import { PacketSum } from './packet-sum.ts';

cocotb(PacketSum, { params: { limit: 10 }, tests: 'test_packet_sum.py', seed: 7 });
