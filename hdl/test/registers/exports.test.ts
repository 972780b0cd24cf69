import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cHeader, registerMap, registerPage, systemRdl } from '../../src/index.ts';

const map = registerMap({
  name: 'timer',
  doc: 'A "timer" | with a doc.',
  bytes: 64,
  registers: {
    id: {
      offset: 0,
      doc: 'Who this is.',
      fields: { id: { bits: [31, 16], access: 'constant', reset: 0x7001, doc: 'Identification.' } },
    },
    control: {
      offset: 4,
      doc: 'What it does.',
      fields: {
        enable: { bits: 0, access: 'rw', doc: 'Counts. */' },
        mode: { bits: [3, 2], access: 'rw', reset: 2, doc: 'How.', values: { once: 0, all: 2 } },
        start: { bits: 31, access: 'pulse', doc: 'Starts it.' },
      },
    },
    signal: { offset: 16, doc: 'What happened.', fields: { done: { bits: [1, 0], access: 'w1c', doc: 'Ended.' } } },
    count: { offset: 8, doc: 'How far it is.', fields: { value: { bits: [31, 0], access: 'ro', doc: 'Now.' } } },
  },
  regions: { table: { offset: 32, bytes: 32, doc: 'Not here.' } },
});

test('the page', () => {
  expect(registerPage(map)).toMatchSnapshot();
});

test('the C header, which a compiler takes and computes with', () => {
  const header = cHeader(map);
  expect(header).toMatchSnapshot();
  const folder = mkdtempSync(join(tmpdir(), 'header-'));
  try {
    writeFileSync(join(folder, 'timer.h'), header);
    const checks = [
      'TIMER_CONTROL == 4',
      '((TIMER_CONTROL_MODE_ALL << TIMER_CONTROL_MODE_SHIFT) & ~TIMER_CONTROL_MODE_MASK) == 0',
      'TIMER_CONTROL_START_MASK == 0x80000000u',
      'TIMER_ID_ID_RESET == 0x7001',
      'TIMER_TABLE + TIMER_TABLE_BYTES == TIMER_BYTES',
    ];
    const source = ['#include "timer.h"', ...checks.map(check => `static_assert(${check}, "");`)].join('\n');
    writeFileSync(join(folder, 'check.cpp'), source);
    const { status, stderr } = spawnSync('g++', ['-std=c++17', '-Wall', '-Wextra', '-fsyntax-only', 'check.cpp'], {
      cwd: folder,
    });
    expect([status, stderr.toString()]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('SystemRDL, with names that are its keywords escaped', () => {
  expect(systemRdl(map)).toMatchSnapshot();
});
