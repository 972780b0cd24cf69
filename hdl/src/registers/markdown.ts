import type { PlacedField, RegisterMap } from './register-map.ts';

const hex = (value: number | bigint) => `0x${value.toString(16).padStart(4, '0')}`;
const bits = ({ low, width }: PlacedField) => (width === 1 ? `${low}` : `${low + width - 1}:${low}`);
/** Text in a cell of a table. */
const cell = (text: string) => text.replaceAll('\n', ' ').replaceAll('|', '\\|');

/** A page about the registers, in Markdown. */
export function registerPage(map: RegisterMap): string {
  const { name, doc, bytes } = map.description;
  const lines = [
    `# ${name}`,
    '',
    doc,
    '',
    `${bytes} bytes; registers of 32 bits; what is not listed reads 0 and ignores writes.`,
    '',
  ];
  lines.push('| offset | name | |', '|---|---|---|');
  const entries = [
    ...map.registers.map(r => ({
      offset: r.offset,
      text: `| ${hex(r.offset)} | [\`${r.name}\`](#${r.name}) | ${cell(r.doc)} |`,
    })),
    ...map.regions.map(r => ({
      offset: r.offset,
      text: `| ${hex(r.offset)} to ${hex(r.offset + r.bytes - 1)} | \`${r.name}\` | ${cell(r.doc)} |`,
    })),
  ];
  lines.push(...entries.sort((a, b) => a.offset - b.offset).map(({ text }) => text));
  for (const register of map.registers) {
    const notice = register.notify ? [`Hardware is told of every ${register.notify}.`] : [];
    lines.push('', `## ${register.name}`, '', [`${hex(register.offset)}: ${register.doc}`, ...notice].join(' '), '');
    for (const {
      name: part,
      bits: [high, low],
      doc: text,
    } of register.parts)
      lines.push(`- \`${part}\`, bits ${high}:${low}: ${text}`, '');
    lines.push('| bits | name | access | reset | |', '|---|---|---|---|---|');
    for (const field of register.fields.toReversed()) {
      const values = Object.entries(field.values ?? {}).map(([value, code]) => `${code} ${value}`);
      const text = [field.doc, ...(values.length > 0 ? [`Values: ${values.join(', ')}.`] : []), ...limits(field)].join(' ');
      lines.push(`| ${bits(field)} | \`${field.name}\` | ${accessText(field)} | ${resetText(field)} | ${cell(text)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A field of which software can change nothing is a constant, whatever it is in other builds. */
function accessText({ access, writable }: PlacedField): string {
  return access !== 'ro' && writable === 0n ? 'constant' : access;
}

/** What holds back writes and resets. */
function limits({ access, width, writable, legal, survives }: PlacedField): string[] {
  const some = access !== 'ro' && writable !== 0n && writable !== (1n << BigInt(width)) - 1n;
  return [
    ...(some ? [`Writable bits: 0x${writable.toString(16)}.`] : []),
    ...(legal ? [`Legal: ${legal.join(', ')}; other writes are ignored.`] : []),
    ...(survives ? [`Survives ${survives === 'soft_reset' ? 'a soft reset' : 'soft and warm resets'}.`] : []),
  ];
}

function resetText({ access, reset }: PlacedField): string {
  return access === 'ro' || access === 'pulse' ? '' : `0x${reset.toString(16)}`;
}
