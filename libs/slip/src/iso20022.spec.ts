import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { causes } from './causes.ts';
import type { SlipEvent } from './events.ts';
import { iso20022 } from './iso20022.ts';
import * as e from './specification/events.ts';
import { given } from './specification/given.ts';
import { type SlipState, slipStatuses } from './state.ts';

const sent = [e.submitted(), e.held, e.intended()];
const lost = [...sent, e.unanswered(), e.overdue()];
const proof = e.inquiryAnswered('not_found', { provesNotExecuted: true });
const proved = [...lost, e.inquiryRequested(), proof, e.notReturned()];
const denied = [...sent, e.returned(), e.settled, e.returned('failed')];
const reported = [e.submitted({ mode: 'reported' }), e.held, e.overdue(), e.notReturned('no_answer')];

describe('in ISO 20022 terms', () => {
  it.each<[string, SlipEvent[], string, string | null]>([
    ['a submitted slip', [e.submitted()], 'RCVD', null],
    ['one in review', [e.submitted({ reviewRequired: true })], 'PDNG', null],
    ['one that was approved', [e.submitted({ reviewRequired: true }), e.approved()], 'RCVD', null],
    ['one that was declined', [e.submitted({ reviewRequired: true }), e.declined], 'RJCT', null],
    ['a held one', [e.submitted(), e.held], 'PDNG', null],
    ['one that the ledger refused', [e.submitted(), e.holdRefused], 'RJCT', 'AM04'],
    ['one that intake refused', [e.rejected], 'RJCT', null],
    ['a draft', [e.drafted(), e.reminderDue], 'RCVD', null],
    ['a draft that expired', [e.drafted(), e.draftExpired], 'CANC', null],
    ['one that was taken back', [e.submitted({ reviewRequired: true }), e.withdrawn], 'CANC', null],
    ['one being sent', sent, 'PDNG', null],
    ['an acknowledged one', [...sent, e.acknowledged], 'ACSP', null],
    ['an unanswered one', [...sent, e.unanswered()], 'PDNG', null],
    ['an overdue one', lost, 'PDNG', null],
    ['one whose callback was lost', [...lost, e.acknowledged, e.diagnosed()], 'ACSP', 'AB05'],
    ['one whose provider is away', [...lost, e.diagnosed('provider_unreachable')], 'PDNG', 'AB08'],
    ['one of a cause that a later version named', [...lost, e.diagnosed('sunspots')], 'PDNG', 'AB05'],
    ['an answered one', [...sent, e.returned()], 'ACSP', null],
    ['a settled one', [...sent, e.returned(), e.settled], 'ACSC', null],
    ['a failed one', [...sent, e.returned('failed', { reason: 'AC04' })], 'RJCT', 'AC04'],
    [
      'a failed one, given back',
      [...sent, e.returned('failed', { reason: 'sold_out' }), e.refunded],
      'RJCT',
      null,
    ],
    ['a void one', [...sent, e.returned('void'), e.refunded], 'CANC', null],
    ['one proved not executed', proved, 'RJCT', 'AG09'],
    ['one never answered', reported, 'PDNG', 'AB05'],
    ['one given back on proof', [...proved, e.refundRequested, e.refunded], 'RJCT', 'AG09'],
    ['a conflicted one', [...proved, e.refundRequested, e.refunded, e.returned()], 'PDNG', null],
    [
      'a compensated one',
      [...proved, e.refundRequested, e.refunded, e.returned(), e.compensated],
      'ACSC',
      null,
    ],
    ['one denied after it was settled', denied, 'ACSC', null],
    ['one denied after it was settled, and claimed', [...denied, e.reversed], 'PDNG', null],
  ])('%s', (_, events, status, reason) => {
    expect(iso20022(given(...events).state)).toEqual({ status, reason });
  });

  const page = readFileSync(new URL('../../../docs/reference/iso20022.md', import.meta.url), 'utf8');
  const rowsOf = (head: string) => {
    const [, rows] = new RegExp(`^\\| ${head} \\|.*\\n\\| --- .*\\n((?:\\|.*\\n)+)`, 'm').exec(page)!;
    const cells = (row: string) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim());
    return Object.fromEntries(
      rows!
        .trimEnd()
        .split('\n')
        .map(cells)
        .map(([name, ...rest]) => [name!.replaceAll('`', ''), rest]),
    );
  };

  it('every cause has the reason that the page says', () => {
    const told = Object.entries(rowsOf('cause')).map(([code, [reason]]) => [
      code,
      reason === 'none' ? null : reason,
    ]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(causes).map(([code, { iso }]) => [code, iso])),
    );
    for (const [code, { iso }] of Object.entries(causes)) {
      expect(iso20022(given(...lost, e.diagnosed(code)).state).reason).toBe(iso);
    }
  });

  /** Of the statuses that facts alone tell more about, what is true without them. */
  const reasonOf: Readonly<Record<string, (ofCause: string | null) => string | null>> = {
    none: () => null,
    'of the cause': (ofCause) => ofCause,
    'of the refusal': () => null,
    'of the provider': () => null,
    'of the cause, else AB05; AG09 once proved': (ofCause) => ofCause ?? 'AB05',
    'of the cause, else AG09; of the provider': (ofCause) => ofCause ?? 'AG09',
  };

  it.each(slipStatuses)('%s is what the page says, with every cause and without one', (status) => {
    const [shown, reason] = rowsOf('status')[status]!;
    const returned = status === 'returned' ? ({ outcome: 'succeeded' } as const) : {};
    const refunded = status === 'refunded' ? { refunded: true } : {};
    const state = { ...given(e.submitted()).state, status, ...returned, ...refunded };
    const cause = { class: 'system', confidence: 1, summary: '', remedy: '', evidence: [] } as const;
    for (const [code, { iso }] of [['', { iso: null }] as const, ...Object.entries(causes)]) {
      const diagnosed = { ...state, cause: code === '' ? null : { ...cause, code } } as SlipState;
      const expected = { status: shown!.slice(0, 4), reason: reasonOf[reason!]!(iso) };
      expect([code, iso20022(diagnosed)]).toEqual([code, expected]);
    }
  });
});
