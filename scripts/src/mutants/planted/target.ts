import type { Mutant } from '../mutant.ts';

const area = 'host' as const;
const io = 'firmware/host/src/nvmeof/io-commands.ts';
const target = 'firmware/host/src/nvmeof/target.ts';
const software = ['firmware/test/nvmeof-target.test.ts'];

/** Bugs in the storage target: where data goes, what is given back, who may come. And in the jobs that show it. */
export const targetMutants: readonly Mutant[] = [
  {
    name: 'target-keeps-the-buffer-of-a-write',
    area,
    rules: ['M1-15'],
    file: io,
    text: '  } finally {\n    buffer.free();\n  }',
    replacement: '  } finally {\n  }',
    tests: software,
  },
  {
    name: 'target-keeps-the-buffer-of-a-failed-read',
    area,
    rules: ['M1-15'],
    file: io,
    text: '  } catch (error) {\n    buffer.free();',
    replacement: '  } catch (error) {',
    tests: software,
  },
  {
    name: 'target-frees-the-buffer-before-the-network-has-read-it',
    area,
    rules: [],
    file: 'firmware/host/src/nvmeof/target-queue.ts',
    text: '    await capsule.release();\n',
    replacement: "    await capsule.release();\n    if (reply !== 'later') reply.free?.();\n",
    tests: software,
  },
  {
    name: 'target-looks-the-way-up-per-command',
    area,
    rules: ['M1-21', 'M4-15'],
    file: io,
    text: '    const mapped = machine.map(namespace.client, piece);\n',
    replacement: "    const mapped = machine.map(namespace.client, piece, 'write');\n",
    tests: software,
  },
  {
    name: 'target-takes-data-of-another-length',
    area,
    rules: [],
    file: io,
    text: 'if (bytes !== range.count * device.blockBytes)',
    replacement: 'if (bytes < range.count * device.blockBytes)',
    tests: software,
  },
  {
    name: 'target-reads-a-block-behind-the-drive',
    area,
    rules: [],
    file: io,
    text: '> BigInt(device.blocks))',
    replacement: '> BigInt(device.blocks + 1))',
    tests: software,
  },
  {
    name: 'target-lets-any-host-in',
    area,
    rules: [],
    file: target,
    text: '!this.options.hosts.includes(host)',
    replacement: 'false',
    tests: software,
  },
  {
    name: 'target-keeps-controllers-of-hosts-that-went',
    area,
    rules: [],
    file: target,
    text: '    this.controllers.delete(controller.id);\n',
    replacement: '',
    tests: software,
  },
  {
    name: 'jobs-do-not-wait-at-a-stonewall',
    area,
    rules: [],
    file: 'firmware/host/src/workload/run-jobs.ts',
    text: '!last || job.stonewall',
    replacement: '!last',
    tests: ['firmware/test/target-jobs.test.ts'],
  },
  {
    name: 'scoreboard-lets-old-blocks-pass',
    area,
    rules: [],
    file: 'firmware/host/src/workload/scoreboard.ts',
    text: '          !sure.has(block) && ',
    replacement: '          ',
    tests: ['firmware/test/target-jobs.test.ts'],
  },
];
