import type { RegisterMap } from './register-map.ts';

const hex = (value: number | bigint, digits = 1) => `0x${value.toString(16).padStart(digits, '0')}u`;
const comment = (text: string) => `/* ${text.replaceAll('*/', '* /').replaceAll('\n', ' ')} */`;

/**
 * Offsets, masks, shifts, reset values and named values as preprocessor constants, for C and C++: `TIMER_CONTROL`, `TIMER_CONTROL_MODE_MASK`,
 * `TIMER_CONTROL_MODE_SHIFT`, `TIMER_CONTROL_MODE_REPEAT`.
 */
export function cHeader(map: RegisterMap): string {
  const { name, doc, bytes } = map.description;
  const prefix = name.toUpperCase();
  const guard = `${prefix}_REGISTERS_H`;
  const define = (symbol: string, value: string) => `#define ${symbol} ${value}`;
  const lines = [comment(doc), `#ifndef ${guard}`, `#define ${guard}`, '', define(`${prefix}_BYTES`, hex(bytes))];
  for (const register of map.registers) {
    const symbol = `${prefix}_${register.name.toUpperCase()}`;
    lines.push('', comment(register.doc), define(symbol, hex(register.offset, 4)));
    for (const {
      name: part,
      bits: [high, low],
      doc: text,
    } of register.parts) {
      const own = `${prefix}_${part.toUpperCase()}`;
      lines.push(
        comment(text),
        define(own, hex(register.offset + low / 8, 4)),
        define(`${own}_BYTES`, hex((high + 1 - low) / 8)),
      );
    }
    for (const field of register.fields) {
      const bits = `${symbol}_${field.name.toUpperCase()}`;
      const mask = ((1n << BigInt(field.width)) - 1n) << BigInt(field.low);
      lines.push(
        comment(`${field.access}: ${field.doc}`),
        define(`${bits}_MASK`, hex(mask, 8)),
        define(`${bits}_SHIFT`, `${field.low}`),
      );
      if (field.access !== 'ro' && field.access !== 'pulse') lines.push(define(`${bits}_RESET`, hex(field.reset)));
      for (const [value, code] of Object.entries(field.values ?? {}))
        lines.push(define(`${bits}_${value.toUpperCase()}`, hex(code)));
    }
  }
  for (const region of map.regions) {
    const symbol = `${prefix}_${region.name.toUpperCase()}`;
    lines.push('', comment(region.doc), define(symbol, hex(region.offset, 4)), define(`${symbol}_BYTES`, hex(region.bytes)));
  }
  return `${[...lines, '', '#endif'].join('\n')}\n`;
}
