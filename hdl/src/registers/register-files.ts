import { cHeader } from './c-header.ts';
import { registerPage } from './markdown.ts';
import type { RegisterMap } from './register-map.ts';
import { systemRdl } from './system-rdl.ts';

/** A text that is made from a register map. */
export interface RegisterText {
  readonly name: string;
  readonly text: string;
}

/** Everything that others want of a map, as files: `bar0.h` for C and C++, `bar0.rdl` for register tools, `bar0.md` for people. */
export function registerFiles(map: RegisterMap): readonly RegisterText[] {
  const { name } = map.description;
  return [
    { name: `${name}.h`, text: cHeader(map) },
    { name: `${name}.rdl`, text: systemRdl(map) },
    { name: `${name}.md`, text: registerPage(map) },
  ];
}
