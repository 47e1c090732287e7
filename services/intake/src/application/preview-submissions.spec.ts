import { beforeEach, describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import { type Gate, gateRefusal } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import { expiresAt, now, remindAt, rules, submission } from '../domain/waiting/spec-support.ts';
import { previewSubmissions } from './preview-submissions.ts';
import { noLines } from './spec-support.ts';

const asked: Gate[][] = [];
const store = {
  referencesTaken: async () => ({ now, slipIds: new Map([['taken', 'slip-9']]) }),
  askGates: async (gates: readonly Gate[]) => {
    asked.push([...gates]);
    return gates.map((gate) => stoppedBy(gate));
  },
};
let stoppedBy: (gate: Gate) => Refusal | null;
beforeEach(() => {
  asked.length = 0;
  stoppedBy = () => null;
});
const looked: SubmissionRules = {
  ...rules,
  gates: { ...rules.gates, duplicateWindowMs: 60_000, duplicateReviewMs: 30_000 },
};
type Wanted = Partial<typeof submission> & { isDraft?: boolean };
const previewBy = (rules: SubmissionRules, ...changes: Wanted[]) =>
  previewSubmissions(
    { store, rules, lines: noLines },
    'shop',
    changes.map(({ isDraft = false, ...change }) => ({ submission: { ...submission, ...change }, isDraft })),
  );
const preview = (...changes: Wanted[]) => previewBy(rules, ...changes);

test('says what would become of each, and why', async () => {
  expect(
    await preview(
      { reference: 'a' },
      { reference: 'b', route: 'reviewed' },
      { reference: 'c', isDraft: true },
      { reference: 'd', route: 'nowhere' },
      { reference: 'taken' },
    ),
  ).toEqual([
    { would: 'submitted', deadline: addMs(now, 5_000), review: null },
    {
      would: 'in_review',
      deadline: addMs(now, 65_000),
      review: {
        ...{ rules: ['review_amount'], approvalsNeeded: 1, requestedAt: now },
        ...{ dueAt: addMs(now, 60_000), outcomeDeadlineMs: 5_000, firstSlipId: null },
      },
    },
    { would: 'draft', draft: { submission: { ...submission, reference: 'c' }, remindAt, expiresAt } },
    {
      would: 'refused',
      refusal: { rule: 'route_unknown', field: 'route', detail: 'There is no route nowhere.' },
    },
    { would: 'reference_taken', slipId: 'slip-9' },
  ]);
});

test('knows that the first of two takes the reference, and that one that is refused does not', async () => {
  expect(await preview({ route: 'nowhere' }, {}, {})).toMatchObject([
    { would: 'refused' },
    { would: 'submitted' },
    { would: 'reference_taken', slipId: null },
  ]);
});

describe('the gates', () => {
  const frozen = (gate: Gate) => gateRefusal('account_frozen', gate, null);

  test('are asked about those that would be submitted, and about nothing else', async () => {
    stoppedBy = (gate) => (gate.account === 'frozen' ? frozen(gate) : null);
    expect(
      await preview(
        { reference: 'a', account: 'frozen' },
        { reference: 'taken' },
        { reference: 'b', isDraft: true, account: 'frozen' },
        { reference: 'c', route: 'nowhere' },
        { reference: 'd' },
      ),
    ).toMatchObject([
      { would: 'refused', refusal: { rule: 'account_frozen' } },
      { would: 'reference_taken' },
      { would: 'draft' },
      { would: 'refused', refusal: { rule: 'route_unknown' } },
      { would: 'submitted' },
    ]);
    expect(asked.map((gates) => gates.map(({ account }) => account))).toEqual([['frozen', 'cust-42']]);
    asked.length = 0;
    await preview({ isDraft: true });
    expect(asked).toEqual([]);
  });

  test('send a repeat to people where people are to look at it, unless another of them stops it', async () => {
    stoppedBy = (gate) => {
      if (gate.windows!.duplicateMs > 0) return gateRefusal('business_duplicate', gate, 'slip-0');
      return gate.account === 'full' ? gateRefusal('limit_exceeded hourly', gate, null) : null;
    };
    expect(await previewBy(looked, { reference: 'a' }, { reference: 'b', account: 'full' })).toMatchObject([
      { would: 'in_review', review: { rules: ['business_duplicate'], firstSlipId: 'slip-0' } },
      { would: 'refused', refusal: { rule: 'limit_exceeded' } },
    ]);
  });

  test('count a repeat that people are to look at behind the others, as a submission does', async () => {
    let left = 1;
    stoppedBy = (gate) => {
      if (gate.account === 'cust-1' && gate.windows!.duplicateMs > 0)
        return gateRefusal('business_duplicate', gate, 'slip-0');
      if (asked.length === 1 || left-- > 0) return null;
      return gateRefusal('limit_exceeded hourly', gate, null);
    };
    expect(
      await previewBy(looked, { reference: 'a', account: 'cust-1' }, { reference: 'b', account: 'cust-2' }),
    ).toMatchObject([{ would: 'refused', refusal: { rule: 'limit_exceeded' } }, { would: 'submitted' }]);
    expect(asked.at(-1)!.map(({ account }) => account)).toEqual(['cust-2', 'cust-1']);
  });
});
