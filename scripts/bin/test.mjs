#!/usr/bin/env node
// `npm test`: everything that CI runs. Sets up the tools that the tests need, says what is missing, then checks types, style and behaviour.
import { register } from 'tsx/esm/api';

register();
const { runTests } = await import('../src/test.ts');
process.exitCode = await runTests(process.argv.slice(2));
