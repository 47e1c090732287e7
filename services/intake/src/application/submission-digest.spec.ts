import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Submission } from '../domain/submission/submission.ts';
import { submissionDigest } from './submission-digest.ts';

const submission: Submission = {
  caller: 'shop',
  reference: 'ord-1',
  kind: 'order',
  account: 'cust-42',
  counterparty: 'shop-7',
  amount: { amount: 1250n, currency: 'EUR' },
  route: 'default',
  deadline: null,
  metadata: { a: '1', b: '2' },
};
const digest = (change: Partial<Submission> = {}) =>
  submissionDigest({ ...submission, ...change }).toString('hex');

test('the order of metadata does not count', () => {
  expect(digest({ metadata: { b: '2', a: '1' } })).toBe(digest());
});

test('every field counts', () => {
  const others: Partial<Submission>[] = [
    { caller: 'x' },
    { reference: 'x' },
    { kind: 'payout' },
    { account: 'x' },
    { counterparty: 'x' },
    { amount: null },
    { amount: { amount: 1251n, currency: 'EUR' } },
    { amount: { amount: 1250n, currency: 'USD' } },
    { route: 'x' },
    { deadline: '2027-01-01T00:00:00.000000Z' },
    { metadata: { a: '1' } },
    { metadata: { a: '2', b: '1' } },
  ];
  expect(new Set([digest(), ...others.map(digest)]).size).toBe(others.length + 1);
});

test('a draft is another request than the submission of the same', () => {
  expect(submissionDigest(submission, true).toString('hex')).not.toBe(digest());
});

test('texts cannot run into each other', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
      const same = a === c && b === d;
      expect(digest({ account: a, counterparty: b }) === digest({ account: c, counterparty: d })).toBe(same);
    }),
  );
});
