import { expect, test } from '@jest/globals';
import { toProblem } from '@slipstream/service-host';
import { type Gate, type GateWord, gateRefusal } from '../../domain/submission/gates.ts';
import { answer } from './answer.ts';

const gate: Gate = { account: 'cust-42', counterparty: 'shop-7', knownOnly: true, windows: null };

test.each<[GateWord, number, string, string]>([
  ['account_unknown', 422, 'account_not_active', '/account'],
  ['account_frozen', 422, 'account_not_active', '/account'],
  ['account_closed', 422, 'account_not_active', '/account'],
  ['counterparty_frozen', 422, 'account_not_active', '/counterparty'],
  ['counterparty_closed', 422, 'account_not_active', '/counterparty'],
  ['limit_exceeded hourly', 409, 'limit_exceeded', '/account'],
  ['limit_exceeded daily EUR', 409, 'limit_exceeded', '/amount'],
])('a slip stopped by %s is told %i %s at %s', (word, status, code, pointer) => {
  const headers = new Map<string, string>();
  const told = () =>
    answer(
      { type: 'refused', refusal: gateRefusal(word, gate, null) },
      { header: (name, value) => headers.set(name, value) },
      { language: 'en', slipUrl: (id) => id },
    );
  let problem: ReturnType<typeof toProblem> | null = null;
  try {
    told();
  } catch (error) {
    problem = toProblem(error);
  }
  expect(problem).toMatchObject({ status, code, errors: [{ pointer }] });
  expect(headers.get('content-language')).toBe('en');
});
