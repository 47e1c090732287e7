import { expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { expiresAt, now, remindAt, rules, submission } from '../domain/waiting/spec-support.ts';
import { previewSubmissions } from './preview-submissions.ts';
import { noLines } from './spec-support.ts';

const store = {
  referencesTaken: async () => ({ now, slipIds: new Map([['taken', 'slip-9']]) }),
};
const preview = (...changes: (Partial<typeof submission> & { isDraft?: boolean })[]) =>
  previewSubmissions(
    { store, rules, lines: noLines },
    'shop',
    changes.map(({ isDraft = false, ...change }) => ({ submission: { ...submission, ...change }, isDraft })),
  );

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
        ...{ dueAt: addMs(now, 60_000), outcomeDeadlineMs: 5_000 },
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
