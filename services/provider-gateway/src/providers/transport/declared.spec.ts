import { expect, test } from '@jest/globals';
import { connectionsOf } from './declared.ts';

test.each([
  ['a provider that is only called and asked', null, null, 10],
  ['one that is asked whether it is there', { everyMs: 1_000, path: null }, null, 11],
  ['one that gives statements', null, { zone: 'UTC', availableAt: '00:00' }, 11],
  ['one with both', { everyMs: 1_000, path: '/up' }, { zone: 'UTC', availableAt: '00:00' }, 12],
])('%s has a connection for each that may be in flight', (_, probe, statement, connections) => {
  const rules = { probe, statement } as Parameters<typeof connectionsOf>[1];
  expect(connectionsOf({ concurrencyMax: 8, inquiryConcurrencyMax: 2 }, rules)).toBe(connections);
});
