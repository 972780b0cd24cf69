#!/usr/bin/env node
// The command line tool. TypeScript runs as it is, through tsx.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli.ts');
process.exitCode = main(process.argv);
