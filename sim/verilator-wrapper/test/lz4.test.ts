import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { findToolchain } from '../src/index.ts';
import { inFolder } from './designs.ts';
import { lz4 } from './fst.ts';

const program = `#include "lz4.h"
#include "zlib.h"
#include <fstream>
#include <iterator>
int main(int, char** argv) {
  std::ifstream in{argv[1], std::ios::binary};
  const std::vector<char> from{std::istreambuf_iterator<char>{in}, {}};
  std::vector<char> to(LZ4_compressBound(from.size()));
  const int size = LZ4_compress_default(from.data(), to.data(), from.size(), to.size());
  if (size < 1 || size > LZ4_compressBound(from.size())) return 1;
  std::ofstream{argv[2], std::ios::binary}.write(to.data(), size);
}
`;

test('what lz4.h compresses is what it was when undone, and smaller where something repeats', () => {
  const random = new Random(7);
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256)));
  const same = noise(100);
  const cases: readonly { readonly bytes: Buffer; readonly most?: number }[] = [
    ...[0, 1, 4, 5, 11, 12, 13, 17, 64].map(length => ({ bytes: Buffer.alloc(length, 'ab') })),
    { bytes: noise(5000) },
    { bytes: Buffer.alloc(200_000), most: 1000 },
    // The same again just as far away as a distance can tell, and a little farther.
    ...[65_435, 65_436, 65_500].map(length => ({ bytes: Buffer.concat([same, Buffer.alloc(length, 1), same]) })),
    // Lengths of literals and matches around the steps of their coding.
    ...[269, 270, 271, 525].map(length => ({ bytes: noise(length) })),
    ...Array.from({ length: 20 }, (_, i) => ({ bytes: Buffer.alloc(270 + i) })),
    {
      bytes: Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.from(`signal_${i % 17} ${random.below(3)} `))),
      most: 2200,
    },
    { bytes: Buffer.from(Array.from({ length: 100_000 }, () => random.below(2))) },
  ];
  inFolder(folder => {
    const { compiler } = findToolchain({ install: true, log: () => {} });
    const [source, run, from, to] = ['lz4.cpp', 'lz4', 'from', 'to'].map(name => join(folder, name)) as [
      string,
      string,
      string,
      string,
    ];
    writeFileSync(source, program);
    const include = fileURLToPath(new URL('../include', import.meta.url));
    const compiled = spawnSync(compiler.command, [
      '-std=c++17',
      '-Wall',
      '-Wextra',
      '-Werror',
      `-I${include}`,
      source,
      '-o',
      run,
    ]);
    expect(compiled.stderr.toString()).toBe('');
    for (const { bytes, most = Number.POSITIVE_INFINITY } of cases) {
      writeFileSync(from, bytes);
      expect(spawnSync(run, [from, to]).status).toBe(0);
      const compressed = readFileSync(to);
      expect(compressed.length).toBeLessThan(most);
      expect(Buffer.compare(lz4(compressed, bytes.length), bytes), `${bytes.length} bytes`).toBe(0);
    }
  });
});
