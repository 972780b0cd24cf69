import type { ir } from '@hdl/ts-hdl';
import { connect, design, ModuleBuilder, output } from '../../../hdl/test/engine/ir-builder.ts';

/** One design that holds several side by side, with the ports of all: so that one compilation serves many. */
export function merged(designs: readonly ir.Design[]): ir.Design {
  const top = new ModuleBuilder('Merged');
  designs.forEach(({ top: module }, i) => {
    const parameters = module.signals.flatMap(({ name, kind, init }) =>
      kind === 'parameter' ? [[name, init ?? 0n] as const] : [],
    );
    const instance = top.instance(`part${i}`, module, undefined, new Map(parameters));
    for (const { name, kind, width } of module.signals)
      if (kind === 'input') top.body.push(connect(instance, name, top.input(`${name}_of_${i}`, width)));
    for (const { name, kind } of module.signals) if (kind === 'output') top.output(`${name}_of_${i}`, output(instance, name));
  });
  return design(top.build());
}
