import { expect, test } from 'vitest';
import { accessors, cHeader, RegisterFile, registerMap, registerPage, simulate, systemRdl } from '../../src/index.ts';
import { compileRdl } from './rdl.ts';

/** What a configuration space needs of registers: fixed bits, legal values, resets of several strengths, notices, registers that are not there. */
const make = (withExtra: boolean) =>
  registerMap({
    name: 'space',
    doc: 'A space.',
    bytes: 64,
    registers: {
      command_status: {
        offset: 0,
        doc: 'Two registers in one word.',
        fields: {
          enable: { bits: 0, access: 'rw', doc: 'Enables.' },
          limit: { bits: [7, 5], access: 'rw', legal: [0, 1, 4], reset: 1, survives: 'soft_reset', doc: 'Limit.' },
          failed: { bits: 16, access: 'w1c', survives: 'warm_reset', doc: 'Failed.' },
          aborted: { bits: 17, access: 'w1c', doc: 'Aborted.' },
        },
        parts: { command: { bits: [15, 0], doc: 'Command.' }, status: { bits: [31, 16], doc: 'Status.' } },
      },
      base: {
        offset: 4,
        doc: 'Base.',
        fields: {
          kind: { bits: [3, 0], access: 'rw', writable: 0, reset: 0xc, doc: 'Kind.' },
          address: { bits: [31, 4], access: 'rw_hwclr', writable: 0xfffff00, doc: 'Address.' },
        },
      },
      next: { offset: 8, doc: 'Queue.', notify: 'read', fields: { item: { bits: [7, 0], access: 'ro', doc: 'Item.' } } },
      send: {
        offset: 12,
        doc: 'Sends.',
        notify: 'write',
        fields: { data: { bits: [15, 4], access: 'rw', legal: [0, 0x123, 0xfff], doc: 'Data.' } },
      },
      extra: {
        offset: 4,
        absent: !withExtra,
        doc: 'Not in all builds.',
        notify: 'write',
        fields: {
          mode: { bits: [1, 0], access: 'rw', reset: 2, doc: 'Mode.' },
          state: { bits: [3, 2], access: 'ro', doc: 'State.' },
        },
      },
    },
  });
const map = make(false);

function bench() {
  const sim = simulate(() => new RegisterFile({ map }));
  const { dut } = sim;
  const access = (write: boolean, offset: number, data = 0, mask = 15) => {
    sim.poke(dut.access_valid, 1);
    sim.poke(dut.access_write, write ? 1 : 0);
    sim.poke(dut.access_register, offset / 4);
    sim.poke(dut.access_data, data);
    sim.poke(dut.access_mask, mask);
    const told = [dut.values.next.accessed, dut.values.send.accessed].map(s => Number(sim.peek(s)));
    sim.step();
    sim.poke(dut.access_valid, 0);
    return { data: Number(sim.peek(dut.read_data)), told };
  };
  return {
    sim,
    dut,
    read: (offset: number) => access(false, offset).data,
    readTold: (offset: number) => access(false, offset).told,
    write: (offset: number, data: number, mask?: number) => access(true, offset, data, mask).told,
    pulse: (port: typeof dut.soft_reset) => {
      sim.poke(port, 1);
      sim.step();
      sim.poke(port, 0);
    },
    [Symbol.dispose]: () => sim[Symbol.dispose](),
  };
}

test('fixed bits keep their reset value, whatever is written', () => {
  using b = bench();
  expect(b.read(4)).toBe(0xc);
  b.write(4, 0xffff_ffff);
  expect(b.read(4)).toBe(0xffff_f00c);
  b.write(4, 0);
  expect(b.read(4)).toBe(0xc);
  expect(b.sim.peek(b.dut.values.base.kind)).toBe(0xcn);
});

test('hardware clears bits, also those that are written in the same cycle', () => {
  using b = bench();
  b.write(4, 0xffff_ffff);
  b.sim.poke(b.dut.status.base.address, 0x00ff000);
  b.sim.step();
  expect(b.read(4)).toBe(0xff00_f00c);
  b.write(4, 0xffff_ffff);
  b.sim.poke(b.dut.status.base.address, 0);
  expect(b.read(4)).toBe(0xff00_f00c);
});

test('values that are not legal are ignored, by the field as it would be after the write', () => {
  using b = bench();
  const limit = () => (b.read(0) >> 5) & 7;
  for (const [given, found] of [
    [4, 4],
    [5, 4],
    [2, 4],
    [0, 0],
    [7, 0],
    [1, 1],
  ] as const) {
    b.write(0, given << 5);
    expect(limit()).toBe(found);
  }
  // A field over two bytes: each byte alone would make a value that is not legal.
  b.write(12, 0x1230, 0b0001);
  expect(b.read(12)).toBe(0);
  b.write(12, 0x1230, 0b0011);
  expect(b.read(12)).toBe(0x1230);
  b.write(12, 0xfff0, 0b0010);
  expect(b.read(12)).toBe(0x1230);
});

test('a soft reset, a warm reset and a reset each clear more', () => {
  using b = bench();
  const fill = () => {
    b.write(0, 0x81);
    b.write(12, 0x1230);
    b.sim.poke(b.dut.status.command_status.failed, 1);
    b.sim.poke(b.dut.status.command_status.aborted, 1);
    b.sim.step();
    b.sim.poke(b.dut.status.command_status.failed, 0);
    b.sim.poke(b.dut.status.command_status.aborted, 0);
    expect([b.read(0), b.read(12)]).toEqual([0x3_0081, 0x1230]);
  };
  fill();
  b.pulse(b.dut.soft_reset);
  expect([b.read(0), b.read(12)]).toEqual([0x1_0080, 0]);
  fill();
  b.pulse(b.dut.warm_reset);
  expect([b.read(0), b.read(12)]).toEqual([0x1_0020, 0]);
  fill();
  const rst = b.sim.engine.ports.get('rst');
  if (rst) rst.words[0] = 1;
  b.sim.step();
  if (rst) rst.words[0] = 0;
  expect([b.read(0), b.read(12)]).toEqual([0x20, 0]);
});

test('hardware is told of reads, or of writes with a byte', () => {
  using b = bench();
  b.sim.poke(b.dut.status.next.item, 0x42);
  expect([b.readTold(8), b.write(8, 0), b.readTold(0)]).toEqual([
    [1, 0],
    [0, 0],
    [0, 0],
  ]);
  expect([b.write(12, 0), b.write(12, 0, 0), b.readTold(12)]).toEqual([
    [0, 1],
    [0, 0],
    [0, 0],
  ]);
});

test('a register that is absent: software meets what else is there, hardware meets reset values', () => {
  using b = bench();
  b.write(4, 0xffff_ffff);
  expect([b.sim.peek(b.dut.values.extra.mode), b.sim.peek(b.dut.values.extra.accessed)]).toEqual([2n, 0n]);
  expect(map.registers.map(({ name }) => name)).toEqual(['command_status', 'base', 'next', 'send']);
  expect(registerPage(map)).not.toContain('extra');
  expect(cHeader(map)).not.toContain('EXTRA');
  expect(() => make(true)).toThrow("'base' and 'extra' of space overlap at 0x4");
  expect(accessors(map).extra.mode.low).toBe(0);
});

test('pages, headers and SystemRDL tell of all that', () => {
  const page = registerPage(map);
  expect(page).toContain('- `status`, bits 31:16: Status.');
  expect(page).toContain('Hardware is told of every read.');
  expect(page).toContain(
    '| 7:5 | `limit` | rw | 0x1 | Limit. Legal: 0, 1, 4; other writes are ignored. Survives a soft reset. |',
  );
  expect(page).toContain('| 3:0 | `kind` | constant | 0xc |');
  expect(page).toContain('Writable bits: 0xfffff00.');
  expect(page).toContain('Survives soft and warm resets.');
  expect(cHeader(map)).toContain('#define SPACE_STATUS 0x0002u\n#define SPACE_STATUS_BYTES 0x2u');
  const found = compileRdl(systemRdl(map));
  const fields = found.registers.flatMap(register =>
    register.fields.map(({ name, low, high, sw, hwclr, told }) => [register.name, name, high, low, sw, hwclr, told].join(' ')),
  );
  expect(fields).toEqual([
    'command_status enable 0 0 rw false false',
    'command_status limit 7 5 rw false false',
    'command_status failed 16 16 rw false false',
    'command_status aborted 17 17 rw false false',
    'base kind 3 0 r false false',
    'base address_0 11 4 r false false',
    'base address_8 31 12 rw true false',
    'next item 7 0 r false true',
    'send data 15 4 rw false true',
  ]);
});

test('mistakes in what software can write', () => {
  const tries = [
    { bits: [3, 0], access: 'ro', writable: 1, doc: '' },
    { bits: [3, 0], access: 'rw', writable: 16, doc: '' },
    { bits: [3, 0], access: 'rw', legal: [1, 2], doc: '' },
    { bits: [3, 0], access: 'rw', legal: [0, 16], doc: '' },
    { bits: [3, 0], access: 'rw_hwclr', legal: [0], doc: '' },
  ] as const;
  const registers = [
    ...tries.map(field => ({ offset: 0, doc: '', fields: { field } })),
    { offset: 0, doc: '', notify: 'read', fields: { accessed: { bits: 0, access: 'rw', doc: '' } } } as const,
    { offset: 0, doc: '', fields: {}, parts: { low: { bits: [6, 0], doc: '' } } } as const,
  ];
  const messages = registers.map(a => {
    try {
      registerMap({ name: 'm', doc: '', bytes: 64, registers: { a } });
    } catch (error) {
      return error instanceof Error ? error.message.split('\n')[0] : error;
    }
    return 'no error';
  });
  expect(messages).toMatchInlineSnapshot(`
    [
      "m.a.field is ro and says what software can write",
      "the writable bits of m.a.field are not all inside its 4 bits",
      "the legal values of m.a.field do not fit it",
      "the legal values of m.a.field do not fit it",
      "m.a.field is rw_hwclr and says what software can write",
      "m.a has a field 'accessed' beside 'notify'",
      "the part 'low' of m.a has the bits 6 to 0",
    ]
  `);
});
