import { expect, test } from 'vitest';
import { accessors, registerFiles } from '../../hdl/src/index.ts';
import { compileRdl } from '../../hdl/test/registers/rdl.ts';
import { bar0Map, firmwareMap } from '../src/config/endpoint-maps.ts';
import { endpointMaps, registerPages } from '../src/config/register-pages.ts';

test.each(registerPages().map(page => [page.name, page.text]))('docs/%s is made from the register maps', async (name, text) => {
  await expect(text).toMatchFileSnapshot(`../../docs/${name}`);
});

test.each(
  endpointMaps().map(map => [map.description.name, map] as const),
)('the SystemRDL compiler and PeakRDL find in %s what it says', (name, map) => {
  const rdl = registerFiles(map).find(file => file.name.endsWith('.rdl'))?.text ?? '';
  const found = compileRdl(rdl);
  expect(found.name).toBe(name);
  expect(found.registers.map(({ name, offset }) => [name, offset])).toEqual(
    map.registers.map(({ name, offset }) => [name, offset]),
  );
  expect(found.memories).toEqual(map.regions.map(({ name, offset, bytes }) => ({ name, offset, bytes })));
  for (const [i, register] of map.registers.entries()) {
    const bits = new Map<number, string>();
    for (const field of register.fields) {
      for (let bit = 0; bit < field.width; bit++) {
        const fixed = ((field.writable >> BigInt(bit)) & 1n) === 0n;
        const reset = field.access === 'ro' ? '-' : `${(field.reset >> BigInt(bit)) & 1n}`;
        const pulse = field.access === 'pulse';
        const access = pulse ? 'w' : fixed ? 'r' : 'rw';
        bits.set(field.low + bit, `${access} ${reset} ${field.access === 'w1c' ? 'woclr' : '-'}`);
      }
    }
    const theirs = new Map<number, string>();
    for (const { low, high, sw, reset, onwrite } of found.registers[i]?.fields ?? []) {
      for (let bit = low; bit <= high; bit++)
        theirs.set(bit, `${sw} ${reset === null ? '-' : Math.floor(reset / 2 ** (bit - low)) % 2} ${onwrite ?? '-'}`);
    }
    expect(theirs, register.name).toEqual(bits);
    expect(found.dump).toContain(`${name}.${register.name}`);
  }
});

test('what a block device has stands where it always stood', () => {
  const p = { memory_bytes: 4096, doorbells: { count: 16, stride: 4 }, vectors: 8 };
  const bar0 = bar0Map(p);
  const region = (name: string) => bar0.regions.find(region => region.name === name)?.offset;
  expect(bar0.description.bytes).toBe(0x4000);
  expect([accessors(bar0).identification.offset, accessors(bar0).memory_bytes.offset]).toEqual([0, 4]);
  expect(['mailbox', 'doorbells', 'msix_table', 'msix_pending'].map(region)).toEqual([0x400, 0x1000, 0x2000, 0x3000]);
  const firmware = accessors(firmwareMap(p));
  expect([firmware.events.offset, firmware.event_enable.offset, firmware.msix_trigger.offset]).toEqual([0, 4, 0x190]);
  expect(firmware.read_dma_status.offset).toBe(0x134);
  expect(firmware.drain_control.start.set(0, 1)).toBe(1);
  expect(firmware.write_dma_control.address_type.get(0x100)).toBe(2);
});

test('BAR0 grows with doorbells and vectors, and nothing overlaps', () => {
  for (const count of [1, 16, 1000, 4096])
    for (const stride of [4, 64, 4096])
      for (const vectors of [1, 33, 2048]) {
        const { description, regions } = bar0Map({ memory_bytes: 0, doorbells: { count, stride }, vectors });
        const [doorbells, table] = ['doorbells', 'msix_table'].map(name => regions.find(region => region.name === name));
        expect(doorbells?.bytes).toBeGreaterThanOrEqual(count * stride);
        expect(table?.bytes).toBeGreaterThanOrEqual(16 * vectors);
        expect([(doorbells?.offset ?? 1) % (doorbells?.bytes ?? 1), (table?.offset ?? 1) % (table?.bytes ?? 1)]).toEqual([0, 0]);
        expect(description.bytes).toBeLessThanOrEqual(2 ** 26);
      }
});
