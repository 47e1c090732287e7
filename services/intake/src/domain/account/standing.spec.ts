import { expect, test } from '@jest/globals';
import { decideStatus, type Standing, type StatusChange } from './standing.ts';

const change: StatusChange = {
  ...{ account: 'cust-42', reason: 'fraud suspected', actor: 'ops-1', requestId: 'r-1' },
  status: 'frozen',
};
const frozen: Standing = { ...change, changedAt: '2026-11-22T10:39:00.000000Z' };

test('a change tells who, why, and what the account was before', () => {
  expect(decideStatus(null, change)).toEqual({
    type: 'AccountStatusChanged',
    data: { ...change, previous: null },
  });
  expect(decideStatus(frozen, { ...change, status: 'active' })?.data).toMatchObject({
    previous: 'frozen',
    status: 'active',
  });
});

test('what an account is already is no change', () => {
  expect(decideStatus(frozen, { ...change, reason: 'again' })).toBeNull();
});
