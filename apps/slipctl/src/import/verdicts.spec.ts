import { describe, expect, it } from '@jest/globals';
import { contradiction, type LedgerSlip, verdictByTimes, verdictLine, verdictOf } from './verdicts.ts';

const deadline = '2018-01-05T00:00:00.000000Z';
const before = '2018-01-04T23:59:59.999999Z';
const after = '2018-01-05T00:00:00.000001Z';
const end = '2018-02-01T00:00:00.000000Z';

const slip = (over: Partial<LedgerSlip>): LedgerSlip => ({
  ...{ id: 's-1', reference: 'o-1', status: 'settled', overdue: false, returned_at: null, deadline },
  cause: { code: 'no_answer' },
  ...over,
});

describe('verdicts', () => {
  it.each([
    [false, before, 'returned_on_time'],
    [false, deadline, 'returned_on_time'],
    [true, after, 'returned_late'],
    [true, null, 'not_returned'],
  ] as const)('overdue %p, returned %p: %s, and the times agree', (overdue, returned_at, verdict) => {
    expect(verdictOf(slip({ overdue, returned_at }))).toBe(verdict);
    expect(verdictByTimes(deadline, returned_at, end)).toBe(verdict);
    expect(contradiction(slip({ overdue, returned_at }), end)).toBeNull();
  });

  it('leave a slip open that is due after the clock stopped', () => {
    expect(verdictOf(slip({}))).toBe('open');
    expect(contradiction(slip({}), before)).toBeNull();
    expect(contradiction(slip({}), deadline)).toContain('make it not_returned');
  });

  it.each([
    [{ overdue: true, returned_at: before }, 'the system says returned_late'],
    [{ overdue: false, returned_at: after }, 'the system says returned_on_time'],
    [{ overdue: false, returned_at: null }, 'the system says open'],
    [{ deadline: null }, 'the ledger shows no deadline'],
  ])('that contradict the times are told: %p', (over, told) => {
    expect(contradiction(slip(over), end)).toContain(told);
  });

  it.each([
    [
      slip({ returned_at: before }),
      'o-1,returned_on_time,2018-01-05T00:00:00Z,2018-01-04T23:59:59.999999Z,\n',
    ],
    [slip({ overdue: true }), 'o-1,not_returned,2018-01-05T00:00:00Z,,no_answer\n'],
    [
      slip({ overdue: true, cause: null, reference: 'a,"b"' }),
      '"a,""b""",not_returned,2018-01-05T00:00:00Z,,\n',
    ],
    [
      slip({ overdue: true, returned_at: after }),
      'o-1,returned_late,2018-01-05T00:00:00Z,2018-01-05T00:00:00.000001Z,no_answer\n',
    ],
  ])('are written as CSV', (of, line) => {
    expect(verdictLine(of)).toBe(line);
  });
});
