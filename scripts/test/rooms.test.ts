import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The rooms of the house, top to bottom (docs/architecture.md): what is in one imports only from itself and from those above. */
const rooms = [
  'hdl/src/ir',
  'hdl/src/lang',
  'hdl/src/passes',
  'hdl/src/emit',
  'hdl/src/waves',
  'hdl/src/engine',
  'hdl/src/cells',
  'hdl/src/registers',
  'hdl/src',
  'rtl/src/tlp',
  'rtl/src/link',
  'rtl/src/config',
  'rtl/src/endpoint',
  'rtl/src/switch',
  'rtl/src/fabric',
  'rtl/src',
  'sim/verilator-wrapper/src',
  'sim/native/src',
  'sim/cocotb-bridge/src',
  'sim/testbench/src',
  'firmware',
  'firmware/device/src',
  'firmware/host/src',
  'scripts/src',
];

/** Where the packages' entries are. */
const packages: Record<string, string> = {
  '@hdl/ts-hdl': 'hdl/src/index.ts',
  '@hdl/pcie-rtl': 'rtl/src/index.ts',
  '@hdl/ts-hdl/engine': 'hdl/src/engine/index.ts',
  '@hdl/verilator-wrapper': 'sim/verilator-wrapper/src/index.ts',
  '@hdl/verilator-wrapper/tools': 'sim/verilator-wrapper/src/tools.ts',
  '@hdl/native-engine': 'sim/native/src/index.ts',
  '@hdl/testbench': 'sim/testbench/src/index.ts',
  '@hdl/firmware/device': 'firmware/device/src/index.ts',
  '@hdl/firmware/host': 'firmware/host/src/index.ts',
};

/** Files that more than one room of a workspace uses and that need nothing themselves. */
const common = ['rtl/src/at.ts'];

const roomOf = (file: string) => rooms.filter(room => file.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0];

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(file => !/node_modules|\/test\//.test(file));
}

test('every room imports only from above', () => {
  const wrong: string[] = [];
  const files = ['hdl/src', 'rtl/src', 'sim', 'firmware', 'scripts/src'].flatMap(sources);
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) {
    const from = roomOf(file);
    if (!from) throw new Error(`${file} is in no room: give it a place in docs/architecture.md and here`);
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)) {
      const target =
        packages[specifier] ?? (specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : undefined);
      if (target === undefined || common.includes(target)) continue;
      const to = roomOf(target);
      if (!to || rooms.indexOf(to) > rooms.indexOf(from)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});
