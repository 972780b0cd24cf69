import type { Rule } from './rule.ts';
import { listRules } from './rules-lists.ts';
import { signedRules } from './rules-signed.ts';
import { unsignedRules } from './rules-unsigned.ts';

/** The rules of `docs/language-rules.md` as data, in its order. */
export const rules: readonly Rule[] = [...unsignedRules, ...signedRules, ...listRules];
