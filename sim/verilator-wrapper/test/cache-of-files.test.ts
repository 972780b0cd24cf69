import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { inCache } from '../src/cache.ts';
import { type BuildOptions, build } from '../src/index.ts';
import { inFolder } from './designs.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a model is made anew when a file that it depends on changes, is added before another, or is gone; otherwise it is found', () => {
  inFolder(folder => {
    // A compiler that makes empty files: what is looked at is when it is called.
    const compiler = join(folder, 'compiler');
    writeFileSync(
      compiler,
      `#!/bin/sh\ncase "$*" in --version) echo pretends 1.0;; *' -c '*) ;; *) touch ../model.so;; esac\nfor i; do last=$i; done\ncase "$last" in *.cpp) touch "$(basename "$last" .cpp).o";; esac\n`,
    );
    chmodSync(compiler, 0o755);
    vi.stubEnv('CXX', compiler);
    // A cache of its own, with the tools of the usual one.
    const tools = inCache('tools');
    mkdirSync(join(folder, 'cache'));
    symlinkSync(tools, join(folder, 'cache/tools'));
    vi.stubEnv('P2P_CACHE', join(folder, 'cache'));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    mkdirSync(join(folder, 'cells'));
    mkdirSync(join(folder, 'late'));
    mkdirSync(join(folder, 'headers'));
    write('top.v', '`include "size.vh"\nmodule Top (input [`SIZE-1:0] a, output y); Cell c (.a(a[0]), .y(y)); endmodule\n');
    write('headers/size.vh', '`define SIZE 4\n');
    write('headers/unused.vh', '`define UNUSED\n');
    write('late/Cell.v', 'module Cell (input a, output y); assign y = !a; endmodule\n');
    const said: string[] = [];
    const options: BuildOptions = {
      top: 'Top',
      folder,
      files: ['top.v'],
      includes: ['headers'],
      libraries: ['cells', 'late'],
      log: line => said.push(line),
    };
    const made = new Set<string>();
    /** Whether it was compiled, and how wide the input is. */
    const built = () => {
      said.length = 0;
      const { library, ports } = build(options);
      made.add(dirname(library));
      return [said.some(line => line.includes('compiling Top')), ports.find(({ name }) => name === 'a')?.width];
    };
    expect(built()).toEqual([true, 4]);
    expect(built()).toEqual([false, 4]);
    write('headers/unused.vh', '`define UNUSED 2\n');
    expect(built()).toEqual([false, 4]);
    write('headers/size.vh', '`define SIZE 5\n');
    expect(built()).toEqual([true, 5]);
    write('headers/size.vh', '`define SIZE 4\n');
    expect(built()).toEqual([false, 4]);
    write('cells/Cell.v', 'module Cell (input a, output y); assign y = a; endmodule\n');
    expect(built()).toEqual([true, 4]);
    rmSync(join(folder, 'cells/Cell.v'));
    expect(built()).toEqual([false, 4]);
    expect(made.size).toBe(3);
  });
});
