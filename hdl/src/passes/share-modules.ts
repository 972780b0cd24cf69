import type { Design, Module } from '../ir/ir.ts';
import { moduleSignature } from './module-signature.ts';
import { rewriteChildren } from './rewrite-children.ts';

/**
 * Makes modules that are equal but for name and sites one module, and names the others apart: the variants of a class `Fifo` become `Fifo`,
 * `Fifo_2`, ... in order of first appearance, children before parents. Of equal modules the first one stays, with its sites.
 */
export function shareModules(design: Design): Design {
  const kept = new Map<Module, Module>();
  const bySignature = new Map<string, Module>();
  const keys = new Map<Module, string>();
  const names = new Set<string>();
  const classes = new Set(design.modules.map(module => module.name));
  const modules: Module[] = [];
  const sizes = new Map<string, number>();
  for (const module of design.modules) sizes.set(size(module), (sizes.get(size(module)) ?? 0) + 1);
  const of = (module: Module): Module => {
    const found = kept.get(module);
    if (!found) throw new Error(`the design lists ${module.name} after a parent of it, or not at all`);
    return found;
  };
  for (const module of design.modules) {
    const alone = sizes.get(size(module)) === 1;
    const signature = alone ? undefined : moduleSignature(module, child => keys.get(of(child)) ?? '');
    let shared = signature === undefined ? undefined : bySignature.get(signature);
    if (shared === undefined) {
      shared = { ...rewriteChildren(module, of), name: variantName(module.name, names, classes) };
      if (signature !== undefined) bySignature.set(signature, shared);
      keys.set(shared, String(modules.length));
      modules.push(shared);
    }
    kept.set(module, shared);
  }
  return { top: of(design.top), modules };
}

/** A short text that is equal for equal modules: one that no other module has need not be compared in full. */
function size({ signals, memories, instances, body }: Module): string {
  const bits = signals.reduce((sum, { width }) => sum + width, 0);
  return `${signals.length} ${bits} ${memories.length} ${instances.length} ${body.length}`;
}

/** `name`, or `name_2`, `name_3`, ...; never the name of another class. */
function variantName(name: string, names: Set<string>, classes: ReadonlySet<string>): string {
  let result = name;
  for (let n = 2; names.has(result) || (result !== name && classes.has(result)); n++) result = `${name}_${n}`;
  names.add(result);
  return result;
}
