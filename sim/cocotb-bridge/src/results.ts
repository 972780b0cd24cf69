import { basename } from 'node:path';

/** What became of one Python test. */
export interface CocotbResult {
  readonly name: string;
  /** The Python module that it stands in. */
  readonly module: string;
  readonly passed: boolean;
  /** Why it failed, as Python says it; empty if it passed. */
  readonly message: string;
  /** Where it failed, in the test's own file if its call went through there; where the test begins if it passed. */
  readonly location?: { readonly file: string; readonly line: number };
  /** What Python said of the failure; empty if it passed. */
  readonly traceback: string;
  /** What the test took, in seconds of the machine. */
  readonly seconds: number;
  /** How far it went, in nanoseconds of the simulation. */
  readonly simulated: number;
  /** The log of the run, and the part of it that is this test's, if it failed. */
  readonly log?: string;
  readonly lines?: readonly string[];
  /** The waveform of the failed test, where one was made. */
  readonly waveform?: string;
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of an XML attribute or element. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (entity, code?: string, name = '') =>
    code === undefined ? (named[name] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

const attribute = (text: string, name: string) => unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? '');

/** The value of a property of cocotb's report, which may be an attribute of the test instead. */
const property = (head: string, body: string, name: string) =>
  unescaped(new RegExp(`<property name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? attribute(head, name));

/** Reads cocotb's own JUnit report. Tests that were skipped are left out. `files` are those with the tests. */
export function parseResults(xml: string, files: readonly string[] = []): CocotbResult[] {
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)]
    .filter(([, , body = '']) => !/<skipped\b/.test(body))
    .map(([, head = '', body = '']) => {
      const failure = /<(failure|error)\b([^>]*?)(?:\/>|>(.*?)<\/\1>)/s.exec(body);
      const message = attribute(failure?.[2] ?? '', 'message');
      const traceback = unescaped(failure?.[3] ?? '').trim();
      const line = Number(property(head, body, 'line'));
      const module = attribute(head, 'classname');
      const file = files.find(each => basename(each, '.py') === module) ?? '';
      const location = failureLocation(traceback, file) ?? (file !== '' && line > 0 ? { file, line } : undefined);
      return {
        name: attribute(head, 'name'),
        module,
        passed: failure === null,
        message: failure && message === '' ? 'the test failed' : message,
        ...(location && { location }),
        traceback,
        seconds: Number(attribute(head, 'time')) || 0,
        simulated: Number(property(head, body, 'sim_time_duration')) || 0,
      };
    });
}

/** The innermost line of the tests' file in a traceback. */
function failureLocation(traceback: string, file: string): CocotbResult['location'] {
  const lines = [...traceback.matchAll(/File "([^"]+)", line (\d+)/g)].filter(([, path]) => path === file);
  const line = Number(lines.at(-1)?.[2]);
  return line > 0 ? { file, line } : undefined;
}
