import { expect, test } from 'vitest';
import { drawTree } from '../host/src/draw-tree.ts';
import { enumerate } from '../host/src/enumerate.ts';
import { Host } from '../host/src/host.ts';
import { allFunctions, formatBdf } from '../host/src/pci-function.ts';
import { ModelFabric } from './model-fabric.ts';

test('numbers buses, assigns everything, and draws it', async () => {
  const fabric = ModelFabric.withDrives(1 << 20, 1 << 18);
  const host = new Host({ root: fabric, scheduler: fabric.scheduler });
  const tree = await fabric.scheduler.run(() => enumerate(host.config));
  expect([...allFunctions(tree.functions)].map(each => formatBdf(each.bdf))).toEqual([
    '01:00.0',
    '02:00.0',
    '03:00.0',
    '02:01.0',
    '04:00.0',
  ]);
  expect(drawTree(tree)).toBe(
    [
      'root port: bus 01, MPS 256, MRRS 512',
      '└─ 01:00.0 1d1d:5100 switch upstream port, bus 02-04',
      '   │  memory window 0xc0000000-0xc01fffff',
      '   │  prefetchable window 0x8000000000-0x80001fffff',
      '   ├─ 02:00.0 1d1d:5100 switch downstream port, bus 03',
      '   │  │  memory window 0xc0000000-0xc00fffff',
      '   │  │  prefetchable window 0x8000000000-0x80000fffff',
      '   │  └─ 03:00.0 1d1d:e000 endpoint',
      '   │        BAR0 at 0xc0000000, 16 KiB, 32-bit',
      '   │        BAR2 at 0x8000000000, 1 MiB, 64-bit prefetchable',
      '   └─ 02:01.0 1d1d:5100 switch downstream port, bus 04',
      '      │  memory window 0xc0100000-0xc01fffff',
      '      │  prefetchable window 0x8000100000-0x80001fffff',
      '      └─ 04:00.0 1d1d:e000 endpoint',
      '            BAR0 at 0xc0100000, 16 KiB, 32-bit',
      '            BAR2 at 0x8000100000, 256 KiB, 64-bit prefetchable',
    ].join('\n'),
  );
});
