import type { Access, PlacedField, RegisterMap } from './register-map.ts';

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
    `    desc = ${text(register.doc)};`,
    '    regwidth = 32;',
    ...register.fields.map(field => `    ${fieldText(register.name, field)}`),
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

function fieldText(register: string, field: PlacedField): string {
  const { name, low, width, access, reset, doc } = field;
  const list = [...properties[access], `desc = ${text(doc)}`];
  if (field.values) list.push(`encode = ${register}_${name}`);
  const value = access === 'ro' ? '' : ` = ${width}'h${reset.toString(16)}`;
  return `field { ${list.map(property => `${property};`).join(' ')} } ${id(name)}[${low + width - 1}:${low}]${value};`;
}
