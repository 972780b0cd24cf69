import { cocotb } from '@hdl/cocotb-bridge/vitest';
import { elaborate } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { pythonClass } from '../src/index.ts';
import { Shapes } from './shapes.ts';

cocotb(Shapes, { tests: 'test_shapes.py', plusargs: { mode: true, depth: 12 } });

test('the Python class has a type for every port', () => {
  const { dut, design } = elaborate(() => new Shapes());
  const text = pythonClass(dut, design);
  expect(text.split('\n').filter(line => /^ {4}\w+: [A-Z]/.test(line) || line.startsWith('class '))).toMatchInlineSnapshot(`
    [
      "class Colour(enum.IntEnum):",
      "class Point:",
      "class Item:",
      "    colour: Colour = Colour(0)",
      "    path: List[Point] = dataclasses.field(default_factory=lambda: [Point() for _ in range(3)], metadata={"length": 3})",
      "    weights: List[int] = dataclasses.field(default_factory=lambda: [0 for _ in range(2)], metadata={"length": 2})",
      "class PointSignals:",
      "    x: LogicArrayObject",
      "    y: LogicArrayObject",
      "class Shapes2:",
      "class Shapes:",
      "    clk: LogicObject",
      "    rst: LogicObject",
      "    items: StreamSource[Item]",
      "    items_out: StreamSink[Item]",
      "    lanes: List[StreamSource[int]]",
      "    lanes_out: List[StreamSink[int]]",
      "    point: PointSignals",
      "    point_out: PointSignals",
      "    flag: LogicObject",
      "    flag_out: LogicObject",
      "    start_: StreamSource[Shapes2]",
      "    shapes: StreamSink[Shapes2]",
    ]
  `);
});
