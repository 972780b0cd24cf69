// A thread of its own with a model of its own: drives it as `drive` of features.test.ts does and tells what is seen.
import { parentPort, workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { verilateVerilog } = await import('../src/index.ts');
const { bridge } = await import('./foreign/bridge.ts');
const model = verilateVerilog(bridge);
for (const name of ['rst_wr_n', 'rst_rd_n', 'valid_in', 'ready_out']) model.port(name).set(1);
model.port('data_in').set(workerData.word);
model.step(workerData.cycles);
parentPort.postMessage([...model.ports.values()].map(({ name, words }) => `${name} ${words}`).join('; '));
model[Symbol.dispose]();
