import { checked, elaborate, emitText, type Module } from '@hdl/ts-hdl';
import { runYosys } from '@yowasp/yosys';
import type { Proof, Verdict } from './proof.ts';

/** What a run of Yosys said and left behind. */
interface Run {
  readonly text: string;
  readonly waveform: string | undefined;
  readonly failed: boolean;
}

async function yosys(script: string, verilog: string): Promise<Run> {
  const decoder = new TextDecoder();
  let text = '';
  const collect = (bytes: Uint8Array | null): void => {
    if (bytes) text += decoder.decode(bytes);
  };
  const options = { stdout: collect, stderr: collect };
  try {
    await runYosys(['-p', script], { 'design.v': verilog }, options);
    return { text, waveform: undefined, failed: false };
  } catch (error) {
    if (!(error instanceof Error) || !('files' in error)) throw error;
    const files = error.files as { readonly [name: string]: Uint8Array | string };
    const dump = files['trace.vcd'];
    return {
      text,
      waveform: dump === undefined ? undefined : typeof dump === 'string' ? dump : decoder.decode(dump),
      failed: true,
    };
  }
}

const prepare = (top: string) =>
  [
    'read_verilog -formal design.v',
    `prep -flatten -top ${top}`,
    'memory_map',
    'async2sync',
    'chformal -cover -remove',
    'chformal -lower',
    'opt -full',
  ].join('; ');

/**
 * Proves a module's properties with the SAT solver of Yosys, in this process: temporal induction over 1, 2, … `steps` cycles from a state that is any
 * state, with the base case from reset. @throws Error if Yosys does not take the design.
 */
export async function check(build: () => Module<never> | Module<unknown>, steps: number): Promise<Verdict> {
  const design = checked(elaborate(build).design);
  const verilog = emitText(design);
  const solve = `sat -tempinduct -prove-asserts -set-assumes -verify -maxsteps ${steps} -show-public -dump_vcd trace.vcd`;
  const { text, waveform, failed } = await yosys(`${prepare(design.top.name)}; ${solve}`, verilog);
  if (!failed) {
    const lengths = [...text.matchAll(/Trying induction with length (\d+)/g)];
    if (!/Induction step proven: SUCCESS!/.test(text)) throw new Error(`Yosys did not say how the proof ended:\n${tail(text)}`);
    return { kind: 'proved', steps: Number(lengths.at(-1)?.[1]) };
  }
  if (/model found for base case: FAIL!/.test(text)) {
    if (waveform === undefined) throw new Error(`Yosys left no waveform:\n${tail(text)}`);
    return { kind: 'refuted', waveform };
  }
  if (/Reached maximum number of time steps/.test(text)) return { kind: 'undecided', steps };
  throw new Error(`Yosys does not take the design:\n${tail(text)}`);
}

/** What a proof comes to, and whether what it is about can happen at all. */
export interface Finding {
  readonly proof: Proof;
  readonly verdict: Verdict;
  readonly witnessed: boolean;
}

/** Runs a proof and the search for its witness. */
export async function findingOf(proof: Proof): Promise<Finding> {
  const verdict = await check(() => proof.build({ witness: false }), proof.steps);
  const witness = await check(() => proof.build({ witness: true }), Math.max(proof.steps, witnessSteps));
  return { proof, verdict, witnessed: witness.kind === 'refuted' };
}

/** Cycles in which the situation that a proof is about has to come. */
const witnessSteps = 12;

const tail = (text: string): string => text.trim().split('\n').slice(-6).join('\n');
