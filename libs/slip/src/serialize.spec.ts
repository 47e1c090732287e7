import { describe, expect, it } from '@jest/globals';
import { InvariantError } from '@slipstream/kernel';
import { initialState } from './initial-state.ts';
import { parseState, serializeState } from './serialize.ts';
import * as e from './specification/events.ts';
import { given } from './specification/given.ts';

describe('a stored state', () => {
  it('keeps amounts beyond 2^53', () => {
    const amount = { amount: 9007199254740993n, currency: 'EUR' };
    const { state } = given(
      e.submitted({ amount }),
      e.held,
      e.intended(),
      e.returned('succeeded', { amount }),
    );
    const text = serializeState(state);
    expect(JSON.parse(text).amount).toEqual({ amount: '9007199254740993', currency: 'EUR' });
    expect(parseState(text)).toEqual(state);
  });

  it('keeps how far an account may be overdrawn', () => {
    const { state } = given(e.submitted({ overdraftLimit: 9_007_199_254_740_993n }));
    expect(state.overdraftLimit).toBe(9_007_199_254_740_993n);
    expect(parseState(serializeState(state))).toEqual(state);
  });

  it('of an earlier version gets the facts added since', () => {
    const { compensated: _, ...earlier } = JSON.parse(serializeState(initialState('slip-1', 'wall')));
    expect(parseState(JSON.stringify(earlier))).toEqual(initialState('slip-1', 'wall'));
  });

  it('leaves out what is as at the beginning, and nothing else', () => {
    const { state } = given(e.submitted());
    const stored = JSON.parse(serializeState(state));
    expect(stored).toMatchObject({ reviewRequired: false, overdraft: true });
    expect(stored).not.toHaveProperty('held');
    expect(parseState(JSON.stringify(stored))).toEqual(state);
  });

  it('of when a case had one reason gets it listed', () => {
    const { state } = given(e.submitted(), e.caseOpened());
    const { reasons: _, ...earlier } = state.case!;
    const stored = JSON.stringify({ ...JSON.parse(serializeState(state)), case: earlier });
    expect(parseState(stored).case).toMatchObject({ ...earlier, reasons: [{ reason: earlier.reason }] });
  });

  it('with a status of another version gets the one that its facts add up to', () => {
    const { state } = given(e.submitted(), e.held, e.intended());
    const stored = { ...JSON.parse(serializeState(state)), status: 'lost' };
    expect(parseState(JSON.stringify(stored))).toEqual(state);
  });

  it.each([
    ['{', 'not JSON'],
    ['null', 'names no slip'],
    ['[]', 'names no slip'],
    ['{"slipId":"s","clock":"wall","status":"held","amount":{"amount":"1.5"}}', 'no valid amount'],
    ['{"slipId":"s","clock":"wall","status":"held","amount":{"amount":5}}', 'no valid amount'],
  ])('%s is refused: %s', (text, problem) => {
    expect(() => parseState(text)).toThrow(InvariantError);
    expect(() => parseState(text)).toThrow(problem);
  });
});
