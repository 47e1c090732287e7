import { expect, test } from '@jest/globals';
import { dispatch, t0 } from '../dispatch/spec-support.ts';
import { asStored, type ReportedResult, receiveResult, refusal } from './reported-result.ts';

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
  ['a huge currency', { amount: { amount: 1n, currency: long } }],
  ['a negative fee', { fee: { amount: -1n, currency: 'EUR' } }],
  ['a huge currency of the fee', { fee: { amount: 1n, currency: long } }],
  ['no outcome', { outcome: null }],
  ['a step without a name', { step: 'progressed' }],
])('a report with %s never can', (_, wrong) => {
  expect(refusal(asStored({ ...result, ...wrong }))).not.toBeNull();
});

test.each<[string, Partial<ReportedResult>, Partial<ReportedResult>]>([
  ['a huge reason', { reason: long }, { reason: 'x'.repeat(256) }],
  ['a reason that cannot be stored', { reason: 'a\u0000b' }, { reason: 'a\ufffdb' }],
  ['half a character', { reason: '\ud800' }, { reason: '\ufffd' }],
  ['a character that is cut', { reason: `${'x'.repeat(255)}😀` }, { reason: `${'x'.repeat(255)}\ufffd` }],
  ['a huge step', { step: 'progressed', progress: long }, { step: 'progressed', progress: 'x'.repeat(256) }],
  ['a huge reference', { providerReference: long }, { providerReference: null }],
  ['a reference that cannot be stored', { providerReference: 'p\u0000' }, { providerReference: null }],
  ['a failure of a negative amount', { amount: { amount: -1n, currency: 'EUR' } }, { amount: null }],
])('a report with %s counts all the same', (_, said, stored) => {
  const kept = asStored({ ...result, ...said });
  expect(kept).toEqual({ ...result, ...stored });
  expect(refusal(kept)).toBeNull();
});

test.each([0n, -1n])(
  'a success that moved %d settles nothing: it is told as it came, for people',
  (amount) => {
    const said = asStored({ ...result, outcome: 'succeeded', amount: { amount, currency: 'EUR' } });
    expect(refusal(said)).toBeNull();
    const held = dispatch({ mode: 'reported', provider: null as never, status: 'held' });
    const { events, dispatch: after } = receiveResult(held, said, { now: t0, receivedAt: t0 });
    expect(events.map(({ event }) => event)).toMatchObject([
      {
        type: 'AnswerDoubted',
        data: { doubt: 'amount_unreadable', said: `${amount} EUR`, evidence: 'report' },
      },
    ]);
    // The reporter may put it right.
    const right = {
      ...result,
      id: '2',
      outcome: 'succeeded',
      amount: { amount: 5n, currency: 'EUR' },
    } as const;
    const settled = receiveResult(after, right, { now: t0, receivedAt: t0 });
    expect(settled.events.map(({ event }) => event.type)).toEqual(['SlipReturned']);
  },
);
