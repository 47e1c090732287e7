import { expect, test } from '@jest/globals';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { Capabilities } from './ports.ts';
import { asTrusted } from './record-outcomes.ts';

const terms = { acceptanceDelayMaxMs: 1_000 } as Capabilities;
const slip = (provider: string, denier: string | null) => ({
  provider,
  earlier: (denier === null
    ? []
    : [{ end: 'unanswered', provider: denier }]) as unknown as Dispatch['earlier'],
});

test.each([
  ['a provider that kept its promise', slip('acme', null), ['bolt'], 1_000],
  ['one that broke it', slip('acme', null), ['acme'], null],
  ['one whom the slip came to by the word of such a one', slip('bolt', 'acme'), ['acme'], null],
])('NOT_FOUND of %s: %#', (_, one, distrusted, bound) => {
  expect(asTrusted(terms, one, new Set(distrusted))?.acceptanceDelayMaxMs).toBe(bound);
});
