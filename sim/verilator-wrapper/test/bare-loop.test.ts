import { expect, test } from 'vitest';
import { Recorder, verilateVerilog } from '../src/index.ts';
import { bench, get, port, set } from './designs.ts';

test('a recording leads a new model to the same state without JavaScript', () => {
  using recorder = new Recorder(verilateVerilog(bench));
  const bytes = () => recorder.memory('s__100.words').bytes;
  set(port(recorder, 'en'), 1n);
  recorder.step(3);
  const source = recorder.memory('s48.words').bytes;
  for (let i = 0; i < 40; i++) {
    source[(7 * i) % 96] = i + 1;
    set(port(recorder, 'address'), BigInt(i % 12));
    set(port(recorder, 'data'), (BigInt(i) << 90n) | BigInt(i * i));
    set(port(recorder, 'we'), BigInt(i % 3 === 0 ? 1 : 0));
    if (i === 20) bytes()[5] = 99;
    recorder.settle();
    if (i % 2 === 0) recorder.step(i);
    else recorder.run(i);
  }
  const recording = recorder.recording();
  expect(recording.cycles).toBe(recorder.cycle);
  expect(recording.cycles).toBeGreaterThan(400);

  using bare = verilateVerilog(bench);
  const nanoseconds = bare.replay(recording);
  expect(nanoseconds).toBeGreaterThan(0);
  expect(bare.cycle).toBe(recorder.cycle);
  for (const [name, view] of recorder.ports) expect([name, get(port(bare, name))]).toEqual([name, get(view)]);
  for (const path of ['s8.words', 's48.words', 's__100.words'])
    expect(Buffer.compare(bare.memory(path).bytes, recorder.memory(path).bytes), path).toBe(0);
});

test('a recording of other ports is refused', () => {
  using bare = verilateVerilog(bench);
  expect(() => bare.replay({ ports: ['a'], memories: [], cycles: 0, log: new Uint32Array(0) })).toThrow('other ports than Bench');
});
