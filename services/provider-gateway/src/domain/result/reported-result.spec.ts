import { expect, test } from '@jest/globals';
import { t0 } from '../dispatch/spec-support.ts';
import { type ReportedResult, refusal } from './reported-result.ts';

const long = 'x'.repeat(257);
const result: ReportedResult = {
  caller: 'importer',
  id: '1',
  reference: 'r1',
  clock: 'wall',
  receivedAt: t0,
  position: 0,
  step: 'returned',
  outcome: 'failed',
  progress: '',
  reason: 'x'.repeat(256),
  amount: { amount: 0n, currency: 'EUR' },
  providerReference: null,
  providerTime: null,
};

test('a report that fits into an event can be taken', () => {
  expect(refusal(result)).toBeNull();
});

test.each<[string, Partial<ReportedResult>]>([
  ['no reference', { reference: '' }],
  ['a reference that no slip has', { reference: long }],
  ['a caller that no slip has', { caller: long }],
  ['a clock that is no name', { clock: 'import\u200b1' }],
  ['a reference longer than any slip has', { reference: 'x'.repeat(129) }],
  ['a huge id', { id: long }],
  ['a huge clock', { clock: long }],
  ['a huge reason', { reason: long }],
  ['a huge step', { step: 'progressed', progress: long }],
  ['a huge provider reference', { providerReference: long }],
  ['a huge currency', { amount: { amount: 1n, currency: long } }],
  ['a reason that cannot be stored', { reason: 'a\u0000b' }],
  ['half a character', { reason: '\ud800' }],
  ['a negative fee', { fee: { amount: -1n, currency: 'EUR' } }],
  ['a huge currency of the fee', { fee: { amount: 1n, currency: long } }],
  ['a negative amount', { amount: { amount: -1n, currency: 'EUR' } }],
  ['no outcome', { outcome: null }],
  ['a step without a name', { step: 'progressed' }],
])('a report with %s never can', (_, wrong) => {
  expect(refusal({ ...result, ...wrong })).not.toBeNull();
});
