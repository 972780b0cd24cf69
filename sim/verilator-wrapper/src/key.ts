import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, platform } from 'node:os';

/** A name for what is made from `inputs` on this processor by some files of this package. */
export function keyOf(inputs: unknown, makers: readonly string[] = ownFiles): string {
  const texts = makers.map(file => readFileSync(new URL(file, import.meta.url), 'utf8'));
  return createHash('sha256')
    .update(JSON.stringify([inputs, texts, processor]))
    .digest('hex')
    .slice(0, 24);
}

/** This package's files that decide how a model is made. */
const ownFiles = ['shim.ts', 'shim-features.ts', 'compile.ts', 'build.ts', 'verilate.ts', 'clocks.ts', 'ports.ts'];

/** What `-march=native` depends on. */
export const processor = [platform(), arch(), instructions()];

function instructions(): string | undefined {
  try {
    return /^(flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}
