import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Inputs } from './inputs.ts';
import type { VerilogSources } from './options.ts';

/** The text of each module that the user's own files and texts declare, without comments: for advice and for the order of what is shown, not to be relied on. */
export function modulesOf({ files = [], sources = [] }: VerilogSources, { folder }: Inputs): Map<string, string> {
  const texts = [...files.map(file => readFileSync(resolve(folder, file), 'utf8')), ...sources.map(({ text }) => text)];
  const plain = texts.join('\n').replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
  const modules = plain.matchAll(/\bmodule\s+(?:automatic\s+|static\s+)?([a-zA-Z_][\w$]*)([\s\S]*?)\bendmodule\b/g);
  return new Map([...modules].map(([, name = '', body = '']) => [name, body]));
}
