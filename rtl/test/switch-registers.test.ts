import { describe, expect, test } from 'vitest';
import { portMap } from '../src/config/port-map.ts';
import { DeviceBench } from './switch-device-bench.ts';

/** Registers that decide how configuration requests reach the port, or that have the link do something; tests of their own write them. */
const acting = /^(buses|bridge_control|link_control|link_control_2|power_control|power_status|dpc_)/;
const ports = 3;
const parameters = { vendor_id: 0x1d1d, device_id: 0x5100, ports, max_payload: 512, multicast: true } as const;

describe.each([0, 1, 3])('port %i', port => {
  test('each bit of a register that software may write can be set and cleared, and reads as it was written', () => {
    using bench = new DeviceBench({ ports, max_payload: 512, multicast: true, seed: port });
    bench.configure();
    const { registers } = portMap({ ...parameters, direction: port === 0 ? 'upstream' : 'downstream' });
    let bits = 0;
    for (const { name, offset, fields } of registers) {
      if (acting.test(name)) continue;
      const plain = fields.filter(({ access, writable, legal }) => access === 'rw' && writable !== 0n && !legal);
      const mask = Number(plain.reduce((sum, { writable, low }) => sum | (writable << BigInt(low)), 0n));
      if (mask === 0) continue;
      const before = bench.read(port, offset);
      const patterns = [
        0xffff_ffff,
        0,
        0x5555_5555,
        0xaaaa_aaaa,
        ...Array.from({ length: 4 }, () => bench.random.below(2 ** 32)),
      ];
      for (const pattern of patterns) {
        // What is not plain stays as it was; of status bits a 0 changes nothing.
        const data = ((pattern & mask) | (before & ~mask)) >>> 0;
        bench.write(port, offset, data);
        expect((bench.read(port, offset) & mask) >>> 0, `${name}, pattern 0x${pattern.toString(16)}`).toBe(
          (pattern & mask) >>> 0,
        );
      }
      bench.write(port, offset, before);
      bits += mask.toString(2).replaceAll('0', '').length;
    }
    expect(bits).toBeGreaterThan(250);
  });
});
