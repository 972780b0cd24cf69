import type { Access, PlacedField, PlacedRegister, RegisterMap } from './register-map.ts';

const text = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Words of SystemRDL (section 6.2.1) that are names in snake_case: they are escaped where they are used as names. */
const keywords = new Set(
  (
    'abstract accesstype addressingtype addrmap alias all alternate bit boolean bothedge bool compact componentwidth constraint default disable ' +
    'dontcompare donttest edge encode enum errextbus external false field fullalign hw inside internal level longint mem na negedge new nonsticky ' +
    'number onreadtype onwritetype posedge property r rclr ref reg regalign regfile rset ruser rw rw1 signal string struct sw this true type unsigned ' +
    'w w1 wclr woclr woset wot wr wset wuser wzc wzs wzt'
  ).split(' '),
);
const id = (name: string) => (keywords.has(name) ? `\\${name}` : name);

/** The properties of SystemRDL 2.0 (section 9) that say what an access does. */
const properties: { readonly [A in Access]: readonly string[] } = {
  rw: ['sw = rw', 'hw = r'],
  rw_hwclr: ['sw = rw', 'hw = rw', 'hwclr'],
  ro: ['sw = r', 'hw = w'],
  constant: ['sw = r', 'hw = na'],
  w1c: ['sw = rw', 'onwrite = woclr', 'hw = rw', 'hwset'],
  pulse: ['sw = w', 'hw = r', 'singlepulse'],
};

/** The map in SystemRDL 2.0, for register tools: an `addrmap` with one `reg` per register and a `mem` per region. */
export function systemRdl(map: RegisterMap): string {
  const { name, doc } = map.description;
  const enums = map.registers.flatMap(register =>
    register.fields.filter(field => field.values).map(field => enumeration(`${register.name}_${field.name}`, field)),
  );
  const registers = map.registers.flatMap(register => [
    '  reg {',
    `    desc = ${text([register.doc, ...register.parts.map(partText)].join(' '))};`,
    '    regwidth = 32;',
    ...register.fields.flatMap(field => fieldTexts(register, field).map(line => `    ${line}`)),
    `  } ${id(register.name)} @ 0x${register.offset.toString(16)};`,
  ]);
  const regions = map.regions.flatMap(region => [
    '  external mem {',
    `    desc = ${text(region.doc)};`,
    `    mementries = ${region.bytes / 4};`,
    '    memwidth = 32;',
    `  } ${id(region.name)} @ 0x${region.offset.toString(16)};`,
  ]);
  const head = [`addrmap ${id(name)} {`, `  desc = ${text(doc)};`, '  default accesswidth = 32;', '  lsb0;'];
  return `${[...head, ...enums.flat(), ...registers, ...regions, '};'].join('\n')}\n`;
}

function enumeration(name: string, { width, values = {} }: PlacedField): string[] {
  const entries = Object.entries(values).map(([value, code]) => `    ${id(value)} = ${width}'d${code};`);
  return [`  enum ${name} {`, ...entries, '  };'];
}

const partText = ({ name, bits: [high, low], doc }: PlacedRegister['parts'][number]) => `Bits ${high}:${low} are ${name}: ${doc}`;

/** A field, or several where software can change only some of its bits: those that it cannot are constants. */
function fieldTexts(register: PlacedRegister, field: PlacedField): string[] {
  const { name, low, width, access, reset, doc, legal, survives, values, writable } = field;
  const restrictions = [
    legal ? ` Other values than ${legal.join(', ')} are ignored.` : '',
    survives ? ` Survives a ${survives}.` : '',
  ];
  const list = [...properties[access], `desc = ${text(doc + restrictions.join(''))}`];
  if (register.notify === 'read' && access !== 'pulse') list.push('swacc');
  if (register.notify === 'write' && access !== 'ro' && access !== 'constant') list.push('swmod');
  const give = (from: number, bits: number, given: readonly string[]) => {
    const value = access === 'ro' ? '' : ` = ${bits}'h${((reset >> BigInt(from)) & ((1n << BigInt(bits)) - 1n)).toString(16)}`;
    const whole = bits === width ? name : `${name}_${from}`;
    return `field { ${given.map(property => `${property};`).join(' ')} } ${id(whole)}[${low + from + bits - 1}:${low + from}]${value};`;
  };
  if (writable === 0n || writable === (1n << BigInt(width)) - 1n) {
    if (values) list.push(`encode = ${register.name}_${name}`);
    return [
      give(
        0,
        width,
        writable === 0n && access !== 'ro' ? [...properties.constant, ...list.slice(properties[access].length)] : list,
      ),
    ];
  }
  return runs(field).map(({ from, bits, fixed }) =>
    give(from, bits, fixed ? [...properties.constant, `desc = ${text(doc)}`] : list),
  );
}

/** Neighbouring bits of a field that software can change, or cannot. */
function runs({ width, writable }: PlacedField): { from: number; bits: number; fixed: boolean }[] {
  const found: { from: number; bits: number; fixed: boolean }[] = [];
  for (let from = 0; from < width; from++) {
    const fixed = ((writable >> BigInt(from)) & 1n) === 0n;
    const last = found.at(-1);
    if (last?.fixed === fixed) last.bits++;
    else found.push({ from, bits: 1, fixed });
  }
  return found;
}
