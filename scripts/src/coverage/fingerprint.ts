import type { ir } from '@hdl/ts-hdl';

/** A text that two designs share only if they are equal, but for chance: names, widths, constants and shape of all modules go into it. */
export function fingerprint({ modules }: ir.Design): string {
  let [a, b] = [0, 0];
  const note = (value: number) => {
    a = (Math.imul(a, 31) + value) | 0;
    b = (Math.imul(b ^ value, 0x9e37_79b1) + (b >>> 15)) | 0;
  };
  const text = (value: string) => {
    for (let i = 0; i < value.length; i++) note(value.charCodeAt(i));
  };
  const number = (value: bigint) => {
    for (let rest = value; rest > 0n; rest >>= 32n) note(Number(rest & 0xffff_ffffn));
  };
  const seen = new Map<unknown, number>();
  const visit = (item: unknown): void => {
    if (typeof item === 'string') text(item);
    else if (typeof item === 'number') note(item);
    else if (typeof item === 'bigint') number(item);
    else if (typeof item === 'object' && item !== null) {
      const before = seen.get(item);
      note(before ?? -1);
      if (before !== undefined) return;
      seen.set(item, seen.size);
      if (item instanceof Map)
        for (const [key, value] of item) {
          visit(key);
          visit(value);
        }
      else if (Array.isArray(item)) for (const value of item) visit(value);
      // Where it was written makes no difference.
      else for (const [key, value] of Object.entries(item)) if (key !== 'site') visit(value);
    }
    note(7);
  };
  for (const module of modules) visit(module);
  return `${seen.size} ${a} ${b}`;
}
