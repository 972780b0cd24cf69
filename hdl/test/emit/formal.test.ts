import { runYosys } from '@yowasp/yosys';
import { expect, test } from 'vitest';
import { emitText } from '../../src/emit/verilog.ts';
import { elaborate, type Module } from '../../src/index.ts';
import { shareModules } from '../../src/passes/index.ts';
import { Observed, Watched } from './constructs.ts';

/** What Yosys says when it proves all assertions by induction; nothing if it could. */
async function prove(make: () => Module): Promise<string> {
  const design = shareModules(elaborate(make).design);
  const script = [
    'read_verilog -formal design.v',
    `prep -top ${design.top.name}`,
    'async2sync',
    'chformal -lower',
    'chformal -cover -remove',
    'opt_clean',
    'sat -verify -prove-asserts -set-assumes -tempinduct -seq 1',
  ].join('; ');
  let text = '';
  const decoder = new TextDecoder();
  const collect = (bytes: Uint8Array | null) => {
    if (bytes) text += decoder.decode(bytes);
  };
  try {
    await runYosys(['-q', '-p', script], { 'design.v': emitText(design) }, { stdout: collect, stderr: collect });
  } catch (error) {
    text += `${error instanceof Error ? error.message : String(error)}`;
  }
  return text;
}

test('formal tools read the properties: what holds is proven', async () => {
  expect(await prove(() => new Observed())).toBe('');
});

test('what does not hold is not, beside an asynchronous reset too', async () => {
  expect(await prove(() => new Watched())).toMatch(/proof did fail/);
});
