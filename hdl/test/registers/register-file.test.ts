import { expect, test } from 'vitest';
import { accessors, emitText, RegisterFile, registerMap, simulate } from '../../src/index.ts';

const map = registerMap({
  name: 'timer',
  doc: 'A timer.',
  bytes: 64,
  registers: {
    id: {
      offset: 0,
      doc: 'Who this is.',
      fields: { id: { bits: [31, 16], access: 'constant', reset: 0x7001, doc: 'Identification.' } },
    },
    control: {
      offset: 4,
      doc: 'What it does.',
      fields: {
        enable: { bits: 0, access: 'rw', doc: 'Counts.' },
        mode: { bits: [3, 2], access: 'rw', reset: 2, doc: 'How.', values: { once: 0, repeat: 2 } },
        limit: { bits: [27, 12], access: 'rw', reset: 0xffff, doc: 'Where it ends.' },
        start: { bits: 31, access: 'pulse', doc: 'Starts it.' },
      },
    },
    events: { offset: 16, doc: 'What happened.', fields: { done: { bits: [1, 0], access: 'w1c', doc: 'Ended.' } } },
    count: { offset: 8, doc: 'How far it is.', fields: { value: { bits: [15, 0], access: 'ro', doc: 'Now.' } } },
  },
  regions: { table: { offset: 32, bytes: 32, doc: 'Not here.' } },
});
const fields = accessors(map);

function bench() {
  const sim = simulate(() => new RegisterFile({ map }));
  const { access_valid, access_write, access_register, access_data, access_mask, read_data } = sim.dut;
  const access = (write: boolean, offset: number, data = 0, mask = 15) => {
    sim.poke(access_valid, 1);
    sim.poke(access_write, write ? 1 : 0);
    sim.poke(access_register, offset / 4);
    sim.poke(access_data, data);
    sim.poke(access_mask, mask);
    sim.step();
    sim.poke(access_valid, 0);
    return Number(sim.peek(read_data));
  };
  return {
    sim,
    dut: sim.dut,
    read: (offset: number) => access(false, offset),
    write: (offset: number, data: number, mask?: number) => access(true, offset, data, mask),
    [Symbol.dispose]: () => sim[Symbol.dispose](),
  };
}

test('reset values, constants, and what is not there', () => {
  using b = bench();
  expect(b.read(0)).toBe(0x7001_0000);
  expect(b.read(4)).toBe(0x0fff_f008);
  expect([b.read(12), b.read(60)]).toEqual([0, 0]);
  b.write(12, 0xffff_ffff);
  b.write(0, 0xffff_ffff);
  expect(b.read(0)).toBe(0x7001_0000);
});

test('writes by byte', () => {
  using b = bench();
  b.write(4, 0x0aaa_5005, 0b0001);
  expect(b.read(4)).toBe(0x0fff_f004 | 1);
  b.write(4, 0x0000_5000, 0b0010);
  expect(b.read(4)).toBe(0x0fff_5005);
  b.write(4, 0x0123_0000, 0b1100);
  expect(b.read(4)).toBe(0x0123_5005);
  expect(Number(b.sim.peek(b.dut.values.control.limit))).toBe(0x1235);
});

test('a pulse lasts one cycle and reads 0', () => {
  using b = bench();
  b.write(4, 0x8000_0000, 0b1000);
  expect(b.sim.peek(b.dut.values.control.start)).toBe(1n);
  b.sim.step();
  expect(b.sim.peek(b.dut.values.control.start)).toBe(0n);
  b.write(4, 0x8000_0000, 0b0111);
  expect(b.sim.peek(b.dut.values.control.start)).toBe(0n);
  b.write(4, 0x8000_0000, 0b1000);
  expect(b.read(4) >>> 31).toBe(0);
});

test('hardware sets, software clears what it writes 1 to; setting wins', () => {
  using b = bench();
  b.sim.poke(b.dut.status.events.done, 3);
  b.sim.step();
  b.sim.poke(b.dut.status.events.done, 0);
  expect(b.read(16)).toBe(3);
  b.write(16, 1);
  expect(b.read(16)).toBe(2);
  b.sim.poke(b.dut.status.events.done, 2);
  b.write(16, 3);
  b.sim.poke(b.dut.status.events.done, 0);
  expect(b.read(16)).toBe(2);
  b.write(16, 2, 0);
  expect(b.read(16)).toBe(2);
});

test('hardware gives values', () => {
  using b = bench();
  b.sim.poke(b.dut.status.count.value, 0xbeef);
  expect(b.read(8)).toBe(0xbeef);
});

test('accessors of software', () => {
  expect(fields.control.offset).toBe(4);
  expect(fields.control.limit.get(0x0123_5005)).toBe(0x1235);
  expect(fields.control.start.set(0x0fff_f008, 1)).toBe(0x8fff_f008);
  expect(fields.control.mode.set(0xffff_ffff, 0)).toBe(0xffff_fff3);
  expect(() => fields.control.mode.set(0, 4)).toThrow("4 does not fit in the 2 bits of the field 'mode'");
});

test('mistakes in a description', () => {
  const field = { bits: [7, 0], access: 'rw', doc: '' } as const;
  const tries = [
    () => registerMap({ name: 'm', doc: '', bytes: 48, registers: {} }),
    () => registerMap({ name: 'Map', doc: '', bytes: 64, registers: {} }),
    () => registerMap({ name: 'm', doc: '', bytes: 64, registers: { a: { offset: 2, doc: '', fields: { field } } } }),
    () => registerMap({ name: 'm', doc: '', bytes: 64, registers: { a: { offset: 64, doc: '', fields: { field } } } }),
    () =>
      registerMap({
        name: 'm',
        doc: '',
        bytes: 64,
        registers: { a: { offset: 4, doc: '', fields: { field } } },
        regions: { r: { offset: 0, bytes: 8, doc: '' } },
      }),
    () =>
      registerMap({
        name: 'm',
        doc: '',
        bytes: 64,
        registers: { a: { offset: 0, doc: '', fields: { x: field, y: { ...field, bits: 7 } } } },
      }),
    () =>
      registerMap({
        name: 'm',
        doc: '',
        bytes: 64,
        registers: { a: { offset: 0, doc: '', fields: { x: { ...field, bits: [0, 7] } } } },
      }),
    () =>
      registerMap({
        name: 'm',
        doc: '',
        bytes: 64,
        registers: { a: { offset: 0, doc: '', fields: { x: { ...field, reset: 256 } } } },
      }),
    () =>
      registerMap({
        name: 'm',
        doc: '',
        bytes: 64,
        registers: { a: { offset: 0, doc: '', fields: { x: { ...field, values: { big: 300 } } } } },
      }),
  ];
  const messages = tries.map(make => {
    try {
      make();
    } catch (error) {
      return error instanceof Error ? error.message.split('\n')[0] : error;
    }
    return 'no error';
  });
  expect(messages).toMatchInlineSnapshot(`
    [
      "the register map 'm' has 48 bytes",
      "a register map is called 'Map'",
      "'a' of m stands at 2, no multiple of 4",
      "'a' at 0x40 is not inside the 64 bytes of m",
      "'r' and 'a' of m overlap at 0x4",
      "the fields 'x' and 'y' of m.a overlap at bit 7",
      "the field 'x' of m.a has the bits 0 to 7",
      "the reset value 256 of m.a.x does not fit in 8 bits",
      "the value big = 300 of m.a.x does not fit in 8 bits",
    ]
  `);
});

test('its Verilog', () => {
  using b = bench();
  expect(emitText(b.sim.design)).toMatchSnapshot();
});
