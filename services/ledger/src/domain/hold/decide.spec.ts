import { describe, expect, it } from '@jest/globals';
import {
  type DataOf,
  evolve,
  type Outcome,
  type SlipEvent,
  type SlipState,
  type SuspenseDecision,
} from '@slipstream/slip';
import { at, eur, recordedAs, refundRequested, returned, submitted } from '../../../test/builders.ts';
import { Balances } from '../posting/balances.ts';
import { changesOf, decideInOrder } from './decide-in-order.ts';
import type { Hold } from './hold.ts';

const hold: Hold = {
  slipId: 'slip-1',
  clock: 'wall',
  kind: 'order',
  account: 'cust-1',
  counterparty: 'shop-1',
  amount: eur(1000),
  status: 'held',
  executed: 0n,
  references: [],
};
const rejected: SlipEvent = {
  type: 'SlipRejected',
  data: { caller: 'shop', reference: 'ord-1', rule: 'limit', detail: '' },
};

/** What the ledger says to `events` of one slip, with `funds` minor units on every payer's account. */
function says(events: readonly SlipEvent[], options: { funds?: number; hold?: Hold; clock?: string } = {}) {
  const { clock = 'wall' } = options;
  const balances = new Balances();
  balances.add({ clock, name: 'payer:cust-1:available', currency: 'EUR' }, BigInt(options.funds ?? 0));
  let state: SlipState | null = null;
  const cues = events.map((event, index) => {
    const recorded = recordedAs(event, index + 1, 'slip-1', clock);
    const before = state;
    state = evolve(state, recorded);
    return { before, recorded };
  });
  const start = new Map(options.hold ? [[hold.slipId, options.hold]] : []);
  const { answers, holds } = decideInOrder(cues, start, (id) => `tx-${id}`, balances);
  return {
    events: answers.map(({ event }) => {
      const { reason, part } = event.data as { reason?: string; part?: number | null };
      return [event.type, reason, part].filter((word) => word != null).join(' ');
    }),
    posted: answers.map(({ transactions }) => transactions.map(({ type }) => type).join(' and ') || null),
    status: holds.get('slip-1')?.status ?? null,
  };
}

const jpy = (amount: number) => ({ amount: BigInt(amount), currency: 'JPY' });
const inReview = (terms = {}) => submitted({ reviewRequired: true, ...terms });
const approved: SlipEvent = { type: 'SlipApproved', data: { by: 'ann', note: '', deadline: at(600) } };
const declined: SlipEvent = { type: 'SlipDeclined', data: { by: 'ann', reason: 'other', detail: '' } };
const withdrawn: SlipEvent = { type: 'SlipWithdrawn', data: { by: 'shop', reason: '' } };
const byStatement = (outcome: Outcome) => returned(outcome, { evidence: 'statement_line' });
const part = (amount: number, providerReference: string) =>
  returned('succeeded', { amount: eur(amount), providerReference });
const back = (amount: number, day = 23, terms: Partial<DataOf<'SlipReturned'>> = {}) =>
  returned('failed', {
    ...{ evidence: 'statement_line', amount: eur(amount), bookedOn: `2026-11-${day}`, ...terms },
  });
const decided = (decision: SuspenseDecision, entry?: number): SlipEvent => ({
  type: 'SuspenseDecided',
  data: { decision, provider: 'acme', proposedBy: 'ann', approvedBy: 'bob', reason: '', note: '', entry },
});
const denied = [submitted(), returned('succeeded'), returned('failed')];
const inDoubt = [submitted(), returned('succeeded', { amount: eur(1001) })];
const toReversal = ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal'];
const payout = (terms = {}) => submitted({ kind: 'payout', ...terms });

describe('the ledger decides about money in log order', () => {
  it.each<[string, SlipEvent[], Parameters<typeof says>[1], string[], (string | null)[], string | null]>([
    ['an order is held below zero', [submitted()], {}, ['FundsHeld'], ['hold'], 'held'],
    ['a payment is held below zero', [submitted({ kind: 'payment' })], {}, ['FundsHeld'], ['hold'], 'held'],
    [
      'a payout needs funds',
      [payout()],
      { funds: 999 },
      ['HoldRefused insufficient_funds'],
      [null],
      'refused',
    ],
    ['a payout with funds is held', [payout()], { funds: 1000 }, ['FundsHeld'], ['hold'], 'held'],
    [
      'a payout may overdraw where the route says so',
      [payout({ overdraft: true })],
      {},
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'a payout may overdraw so far as its route says',
      [payout({ overdraftLimit: 400n })],
      { funds: 600 },
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'and no further',
      [payout({ overdraftLimit: 400n })],
      { funds: 599 },
      ['HoldRefused insufficient_funds'],
      [null],
      'refused',
    ],
    [
      'an account that is overdrawn already may go on to its limit',
      [payout({ overdraftLimit: 1500n })],
      { funds: -500 },
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'an order needs funds where its route says so',
      [submitted({ overdraftLimit: 0n })],
      { funds: 999 },
      ['HoldRefused insufficient_funds'],
      [null],
      'refused',
    ],
    [
      'an approved slip has the limit that it was submitted with',
      [inReview({ kind: 'payout', overdraftLimit: 1n }), approved],
      { funds: 999 },
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'an approved slip is refused beyond the limit that it was submitted with',
      [inReview({ overdraftLimit: 1n }), approved],
      { funds: 998 },
      ['HoldRefused insufficient_funds'],
      [null],
      'refused',
    ],
    ['history is not refused', [payout()], { clock: 'import-1' }, ['FundsHeld'], ['hold'], 'held'],
    ['nothing is posted without an amount', [payout({ amount: null })], {}, ['FundsHeld'], [null], 'held'],
    ['a slip under review waits', [submitted({ reviewRequired: true })], {}, [], [], null],
    ['an approved slip is held', [inReview(), approved], {}, ['FundsHeld'], ['hold'], 'held'],
    ['an approved slip is held once', [inReview(), approved, approved], {}, ['FundsHeld'], ['hold'], 'held'],
    [
      'an approved payout needs funds then',
      [inReview({ kind: 'payout' }), approved],
      { funds: 999 },
      ['HoldRefused insufficient_funds'],
      [null],
      'refused',
    ],
    ['a declined slip is not held', [inReview(), declined, approved], {}, [], [], null],
    ['a slip taken back in review is not held', [inReview(), withdrawn, approved], {}, [], [], null],
    [
      'an approval of what needs none holds nothing more',
      [submitted(), approved],
      {},
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    ['an approval of a slip that nobody knows holds nothing', [approved], {}, [], [], null],
    ['a rejected slip is not held', [rejected, submitted()], {}, [], [], null],
    [
      'a repeated submission is not held again',
      [submitted(), submitted()],
      {},
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    ['success settles', [returned('succeeded')], { hold }, ['SlipSettled'], ['settle'], 'settled'],
    [
      'failure refunds',
      [returned('failed', { reason: 'AC01' })],
      { hold },
      ['SlipRefunded AC01'],
      ['refund'],
      'refunded',
    ],
    ['void refunds', [returned('void')], { hold }, ['SlipRefunded void'], ['refund'], 'refunded'],
    [
      'a refund is given',
      [refundRequested()],
      { hold },
      ['SlipRefunded not_executed'],
      ['refund'],
      'refunded',
    ],
    [
      'without an amount every step is told and nothing posted',
      [submitted({ amount: null }), returned('succeeded')],
      {},
      ['FundsHeld', 'SlipSettled'],
      [null, null],
      'settled',
    ],
    [
      'an answer read before the hold came back settles (reported route)',
      [submitted(), returned('succeeded', { provider: null })],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a settled slip is not refunded',
      [submitted(), returned('succeeded'), refundRequested()],
      {},
      ['FundsHeld', 'SlipSettled', 'RefundRefused already_settled'],
      ['hold', 'settle', null],
      'settled',
    ],
    [
      'every refund request of a slip that was never held is refused',
      [submitted({ reviewRequired: true }), refundRequested(), refundRequested()],
      {},
      ['RefundRefused nothing_held', 'RefundRefused nothing_held'],
      [null, null],
      null,
    ],
    [
      'a refund request of a slip that nobody knows is refused',
      [refundRequested()],
      {},
      ['RefundRefused nothing_held'],
      [null],
      null,
    ],
    [
      'a second refund request is refused',
      [submitted(), refundRequested(), refundRequested()],
      {},
      ['FundsHeld', 'SlipRefunded not_executed', 'RefundRefused already_refunded'],
      ['hold', 'refund', null],
      'refunded',
    ],
    [
      'a request behind a refund that the failure brought is refused',
      [submitted(), returned('failed'), refundRequested()],
      {},
      ['FundsHeld', 'SlipRefunded failed', 'RefundRefused already_refunded'],
      ['hold', 'refund', null],
      'refunded',
    ],
    [
      'a refused slip has nothing to give back',
      [payout(), refundRequested()],
      {},
      ['HoldRefused insufficient_funds', 'RefundRefused nothing_held'],
      [null, null],
      'refused',
    ],
    [
      'success after the refund is booked against the provider',
      [submitted(), refundRequested(), returned('succeeded')],
      {},
      ['FundsHeld', 'SlipRefunded not_executed', 'PostingCompensated late_success'],
      ['hold', 'refund', 'compensate'],
      'compensated',
    ],
    [
      'repeated answers change nothing',
      [submitted(), returned('failed'), returned('failed'), returned('succeeded'), returned('succeeded')],
      {},
      ['FundsHeld', 'SlipRefunded failed', 'PostingCompensated late_success'],
      ['hold', 'refund', 'compensate'],
      'compensated',
    ],
    [
      'what is denied after the settlement is claimed, once, and never refunded',
      [submitted(), returned('succeeded'), returned('failed'), returned('void'), refundRequested()],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal', 'RefundRefused already_settled'],
      ['hold', 'settle', 'compensate', null],
      'reversed',
    ],
    [
      'a statement that denies the settlement gives the money back, once',
      [submitted(), returned('succeeded'), byStatement('failed'), byStatement('failed'), returned('void')],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated money_back'],
      ['hold', 'settle', 'compensate'],
      'restored',
    ],
    [
      'a statement that bears the denial out gives back what was put aside',
      [submitted(), returned('succeeded'), returned('failed'), byStatement('void')],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal', 'PostingCompensated money_back'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'a denial that the provider said before its success was here is an old word',
      [submitted(), returned('succeeded'), returned('failed', { providerTime: at(0) })],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a denial that it said after its success is none',
      [submitted(), returned('succeeded'), returned('failed', { providerTime: at(50) })],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal'],
      ['hold', 'settle', 'compensate'],
      'reversed',
    ],
    [
      'a denial of a part that was never executed is for people',
      [submitted(), part(600, 'p-1'), returned('failed', { providerReference: 'p-2' })],
      {},
      ['FundsHeld', 'SlipSettled 1'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a statement by which less comes back than was executed is for people',
      [
        ...[submitted(), returned('succeeded')],
        returned('failed', { evidence: 'statement_line', amount: eur(300) }),
      ],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a part that a statement shows to be back is the payer’s, once, and the rest stays settled',
      [submitted(), returned('succeeded'), back(300), back(300), refundRequested()],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated part_back', 'RefundRefused already_settled'],
      ['hold', 'settle', 'compensate', null],
      'settled',
    ],
    [
      'several parts come back up to the whole, and nothing moves it again',
      [
        ...[submitted(), returned('succeeded'), back(300), back(300, 24), back(1, 24), back(399, 25)],
        ...[back(300), back(399, 25), back(1000, 26), byStatement('failed'), returned('failed')],
      ],
      {},
      [
        ...['FundsHeld', 'SlipSettled', ...Array(3).fill('PostingCompensated part_back')],
        'PostingCompensated money_back',
      ],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'half of it that is told again is not its other half',
      [submitted(), returned('succeeded'), back(500), back(500)],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated part_back'],
      ['hold', 'settle', 'compensate'],
      'settled',
    ],
    [
      'equal parts of one day that one statement has are two, and the same two when it is told again',
      [
        ...[submitted(), returned('succeeded'), back(300), back(300, 23, { occurrence: 2 })],
        ...[back(300), back(300, 23, { occurrence: 2 }), back(400, 24), back(400, 24, { occurrence: 2 })],
      ],
      {},
      [
        ...['FundsHeld', 'SlipSettled', ...Array(2).fill('PostingCompensated part_back')],
        'PostingCompensated money_back',
      ],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'both halves of it that one statement has on one day are all of it',
      [submitted(), returned('succeeded'), back(500), back(500, 23, { occurrence: 2 })],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated part_back', 'PostingCompensated money_back'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'what comes back above what is still settled is for people',
      [submitted(), returned('succeeded'), back(600), back(401, 24), back(1001, 25), back(0, 26)],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated part_back'],
      ['hold', 'settle', 'compensate'],
      'settled',
    ],
    [
      'a part in another currency, by a bare word, or of another provider is none',
      [
        ...[submitted(), returned('succeeded'), back(300, 23, { amount: jpy(300) })],
        ...[back(300, 23, { provider: 'bolt' })],
      ],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'what a provider denies behind a part that came back is the rest, and people decide about that',
      [
        submitted(),
        returned('succeeded'),
        back(300),
        returned('failed'),
        back(100, 24),
        decided('give_back'),
      ],
      {},
      [
        ...['FundsHeld', 'SlipSettled', 'PostingCompensated part_back', 'PostingCompensated reversal'],
        'PostingCompensated given_back',
      ],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'a part may come back of what people upheld',
      [...denied, decided('uphold'), back(300), returned('failed')],
      {},
      [...toReversal, 'PostingCompensated upheld', 'PostingCompensated part_back'],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate'],
      'upheld',
    ],
    [
      'behind a part that came back no further part is settled: it would be more than was held',
      [submitted(), part(600, 'p-1'), back(300), part(400, 'p-2')],
      {},
      ['FundsHeld', 'SlipSettled 1', 'PostingCompensated part_back'],
      ['hold', 'settle', 'compensate'],
      'settled',
    ],
    [
      'three parts that make up the whole are denied as a whole, once, whatever denies them again',
      [
        ...[submitted(), part(300, 'p-1'), part(300, 'p-2'), part(400, 'p-3')],
        ...[returned('failed'), returned('void'), returned('failed', { providerReference: 'p-2' })],
      ],
      {},
      ['FundsHeld', 'SlipSettled 1', 'SlipSettled 2', 'SlipSettled 3', 'PostingCompensated reversal'],
      ['hold', 'settle', 'settle', 'settle', 'compensate'],
      'reversed',
    ],
    [
      'a denial of one of two parts claims both, people uphold that, and a statement gives the one back',
      [
        ...[
          submitted(),
          part(300, 'p-1'),
          part(600, 'p-2'),
          returned('failed', { providerReference: 'p-1' }),
        ],
        ...[decided('uphold', 4), back(300, 23, { providerReference: 'p-1' })],
      ],
      {},
      [
        ...['FundsHeld', 'SlipSettled 1', 'SlipSettled 2', 'PostingCompensated reversal'],
        ...['PostingCompensated upheld', 'PostingCompensated part_back'],
      ],
      ['hold', 'settle', 'settle', 'compensate', 'compensate', 'compensate'],
      'upheld',
    ],
    [
      'each part that is executed after the refund is claimed, once, and all of it may be written off',
      [
        ...[submitted(), refundRequested(), part(400, 'p-1'), part(400, 'p-1'), part(500, 'p-2')],
        ...[part(500, 'p-2'), part(101, 'p-3'), decided('write_off'), part(100, 'p-4')],
      ],
      {},
      [
        ...['FundsHeld', 'SlipRefunded not_executed', 'PostingCompensated late_success'],
        ...['PostingCompensated late_part', 'PostingCompensated written_off'],
      ],
      ['hold', 'refund', 'compensate', 'compensate', 'compensate'],
      'written_off',
    ],
    [
      'a provider may charge more than it moved, and more than was held',
      [submitted(), returned('succeeded', { amount: eur(1), fee: eur(100_000) })],
      {},
      ['FundsHeld', 'SlipSettled 1'],
      ['hold', 'settle and fee'],
      'settled',
    ],
    [
      'a denial of another provider than the one that executed is for people',
      [submitted(), returned('succeeded'), returned('failed', { provider: 'bolt' })],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a success again after the denial is for people',
      [submitted(), returned('succeeded'), returned('failed'), part(1000, 'p-2')],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal'],
      ['hold', 'settle', 'compensate'],
      'reversed',
    ],
    [
      'people give back what lies in suspense, once',
      [...denied, decided('give_back'), decided('give_back'), decided('uphold'), byStatement('failed')],
      {},
      [...toReversal, 'PostingCompensated given_back'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'a claim is written off once the payer has the money, and nothing moves it again',
      [
        ...[
          ...denied,
          decided('write_off'),
          decided('give_back'),
          decided('write_off'),
          decided('write_off'),
        ],
        ...[byStatement('failed'), returned('succeeded'), refundRequested()],
      ],
      {},
      [
        ...[...toReversal, 'PostingCompensated given_back', 'PostingCompensated written_off'],
        'RefundRefused already_settled',
      ],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate', null],
      'written_off',
    ],
    [
      'so is that of a late success',
      [submitted(), refundRequested(), returned('succeeded'), decided('write_off')],
      {},
      [
        ...['FundsHeld', 'SlipRefunded not_executed', 'PostingCompensated late_success'],
        'PostingCompensated written_off',
      ],
      ['hold', 'refund', 'compensate', 'compensate'],
      'written_off',
    ],
    [
      'what is owed by nobody is not written off',
      [submitted(), decided('write_off'), returned('succeeded'), decided('write_off')],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'people uphold what was settled, and no bare word claims it again',
      [...denied, decided('uphold'), decided('give_back'), returned('void'), refundRequested()],
      {},
      [...toReversal, 'PostingCompensated upheld', 'RefundRefused already_settled'],
      ['hold', 'settle', 'compensate', 'compensate', null],
      'upheld',
    ],
    [
      'a statement gives back what people upheld, once',
      [...denied, decided('uphold'), byStatement('failed'), byStatement('failed'), decided('give_back')],
      {},
      [...toReversal, 'PostingCompensated upheld', 'PostingCompensated money_back'],
      ['hold', 'settle', 'compensate', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'a decision that a statement has overtaken moves nothing',
      [...denied, byStatement('failed'), decided('uphold')],
      {},
      [...toReversal, 'PostingCompensated money_back'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'people have a success in doubt settle all that is held, once',
      [...inDoubt, decided('uphold'), decided('give_back'), returned('succeeded')],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'or give it back, and a success that fits is claimed then',
      [...inDoubt, decided('give_back'), decided('uphold'), returned('succeeded')],
      {},
      ['FundsHeld', 'SlipRefunded given_back', 'PostingCompensated late_success'],
      ['hold', 'refund', 'compensate'],
      'compensated',
    ],
    [
      'what was settled by people may be denied, and decided about again',
      [...inDoubt, decided('uphold'), returned('failed'), decided('give_back')],
      {},
      ['FundsHeld', 'SlipSettled', 'PostingCompensated reversal', 'PostingCompensated given_back'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'restored',
    ],
    [
      'what was said of a success in doubt is not said of its denial after it was settled',
      [...inDoubt, returned('succeeded'), returned('failed'), decided('give_back', 1), decided('uphold', 3)],
      {},
      [...toReversal, 'PostingCompensated upheld'],
      ['hold', 'settle', 'compensate', 'compensate'],
      'upheld',
    ],
    [
      'nor the other way round',
      [...inDoubt, decided('give_back', 3), decided('uphold', 1), returned('failed'), decided('uphold', 1)],
      {},
      toReversal,
      ['hold', 'settle', 'compensate'],
      'reversed',
    ],
    [
      'nothing is decided about what does not lie in suspense',
      [submitted(), decided('give_back'), returned('succeeded'), decided('give_back'), decided('uphold')],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a payment that comes in parts is settled up to its amount',
      [submitted(), part(400, 'p-1'), part(500, 'p-2'), part(101, 'p-3'), part(100, 'p-4'), part(1, 'p-5')],
      {},
      ['FundsHeld', 'SlipSettled 1', 'SlipSettled 2', 'SlipSettled 3'],
      ['hold', 'settle', 'settle', 'settle'],
      'settled',
    ],
    [
      'the same part again settles nothing more',
      [submitted(), part(400, 'p-1'), part(400, 'p-1'), part(300, 'p-1')],
      {},
      ['FundsHeld', 'SlipSettled 1'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'what names no reference, or follows one that named none, is no further part',
      [
        ...[submitted(), returned('succeeded', { amount: eur(400) }), part(100, 'p-1')],
        returned('succeeded', { amount: eur(100) }),
      ],
      {},
      ['FundsHeld', 'SlipSettled 1'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'a part by another provider is for people',
      [
        submitted(),
        part(400, 'p-1'),
        returned('succeeded', { amount: eur(100), providerReference: 'p-2', provider: 'bolt' }),
      ],
      {},
      ['FundsHeld', 'SlipSettled 1'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'less than asked settles that part',
      [returned('succeeded', { amount: eur(999) })],
      { hold },
      ['SlipSettled 1'],
      ['settle'],
      'settled',
    ],
    [
      'what the provider charges is booked beside the settlement, in whatever currency',
      [submitted(), returned('succeeded', { fee: jpy(30) }), returned('succeeded', { fee: jpy(30) })],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle and fee'],
      'settled',
    ],
    [
      'a refund may cost, too',
      [returned('failed', { fee: eur(30) })],
      { hold },
      ['SlipRefunded failed'],
      ['refund and fee'],
      'refunded',
    ],
    [
      'no fee is booked where no money is',
      [submitted({ amount: null }), returned('succeeded', { fee: eur(30) })],
      {},
      ['FundsHeld', 'SlipSettled'],
      [null, null],
      'settled',
    ],
    [
      'a fee of zero is none',
      [returned('succeeded', { fee: eur(0) })],
      { hold },
      ['SlipSettled'],
      ['settle'],
      'settled',
    ],
    [
      'success in another currency settles nothing',
      [submitted(), returned('succeeded', { amount: jpy(1000) })],
      {},
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'success above what was asked settles nothing',
      [submitted(), returned('succeeded', { amount: eur(100_000) })],
      {},
      ['FundsHeld'],
      ['hold'],
      'held',
    ],
    [
      'a success in doubt is neither refunded on request nor by a later failure',
      [submitted(), returned('succeeded', { amount: eur(1001) }), refundRequested(), returned('failed')],
      {},
      ['FundsHeld', 'RefundRefused outcome_succeeded'],
      ['hold', null],
      'held',
    ],
    [
      'a success in doubt settles when an answer comes that fits',
      [
        submitted(),
        returned('succeeded', { amount: jpy(1000) }),
        returned('succeeded', { amount: eur(1000) }),
      ],
      {},
      ['FundsHeld', 'SlipSettled'],
      ['hold', 'settle'],
      'settled',
    ],
    [
      'success after the refund in another currency claims nothing',
      [submitted(), refundRequested(), returned('succeeded', { amount: jpy(1000) })],
      {},
      ['FundsHeld', 'SlipRefunded not_executed'],
      ['hold', 'refund'],
      'refunded',
    ],
    ['an answer without a hold moves nothing', [returned('succeeded'), returned('failed')], {}, [], [], null],
  ])('%s', (_, events, options, expected, posted, status) => {
    expect(says(events, options)).toEqual({ events: expected, posted, status });
  });

  it('answers a decision about suspense by its id, with so much as was executed', () => {
    const reversed: Hold = { ...hold, status: 'reversed', executed: 600n, references: ['p-1'] };
    const said = (decision: SuspenseDecision) => {
      const cue = { before: null, recorded: recordedAs(decided(decision), 7) };
      return decideInOrder([cue], new Map([['slip-1', reversed]]), (id) => `tx-${id}`, new Balances());
    };
    const posted = (decision: SuspenseDecision) =>
      said(decision).answers[0]!.transactions[0]!.postings.map(
        ({ account, direction, amount }) => `${account} ${direction} ${amount.amount}`,
      );
    expect(said('uphold').answers[0]!.event.data).toMatchObject({ requestId: 'event-slip-1-7' });
    expect(posted('give_back')).toEqual([
      'payer:cust-1:suspense debit 600',
      'payer:cust-1:available credit 600',
    ]);
    expect(posted('uphold')).toEqual([
      'payer:cust-1:suspense debit 600',
      'provider:acme:receivable credit 600',
    ]);
  });

  it.each(['JPY', 'EUR', 'KWD'])(
    'loses no minor unit of the largest amounts in %s, twice on one account',
    (currency) => {
      const largest = { amount: 2n ** 63n - 1n, currency };
      const cues = ['slip-1', 'slip-2'].flatMap((slipId) =>
        [submitted({ amount: largest }), returned('succeeded', { amount: largest, fee: largest })].map(
          (event, n) => ({ before: null, recorded: recordedAs(event, n + 1, slipId) }),
        ),
      );
      const { answers } = decideInOrder(cues, new Map(), (id) => id, new Balances());
      const stands = (name: string) => changesOf(answers).of({ clock: 'wall', name, currency });
      expect(stands('payer:cust-1:available')).toBe(-2n * largest.amount);
      expect(stands('payer:cust-1:held')).toBe(0n);
      expect(stands('provider:acme:settlement')).toBe(2n * largest.amount);
      expect(stands('house:own:costs')).toBe(-2n * largest.amount);
    },
  );

  it('sees the money that the decisions before it left', () => {
    const payouts = [1, 2, 3].map((n) => ({
      before: null,
      recorded: recordedAs(payout({ amount: eur(400) }), n, `slip-${n}`),
    }));
    const balances = new Balances();
    balances.add({ clock: 'wall', name: 'payer:cust-1:available', currency: 'EUR' }, 1000n);
    const { answers } = decideInOrder(payouts, new Map(), (id) => id, balances);
    expect(answers.map(({ event }) => event.type)).toEqual(['FundsHeld', 'FundsHeld', 'HoldRefused']);
  });

  it('posts on the clock of the hold when an event strays from another one', () => {
    const imported: Hold = { ...hold, clock: 'import-1' };
    const cue = { before: null, recorded: recordedAs(returned('succeeded'), 2) };
    const { answers } = decideInOrder([cue], new Map([['slip-1', imported]]), (id) => id, new Balances());
    expect(answers[0]!.clock).toBe('import-1');
    expect(
      new Set(
        changesOf(answers)
          .changes()
          .map(({ clock }) => clock),
      ),
    ).toEqual(new Set(['import-1']));
  });
});
