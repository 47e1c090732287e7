import { describe, expect, test } from '@jest/globals';
import { addMicros } from '@slipstream/kernel';
import { decideDraft, decideDue } from './decide-draft.ts';
import { expiresAt, now, remindAt, rules, submission } from './spec-support.ts';

describe('a draft', () => {
  test('says what is wished for, and until when it can be confirmed', () => {
    const { metadata, ...terms } = submission;
    expect(decideDraft(submission, now, rules)).toEqual({
      accepted: true,
      event: {
        type: 'SlipDrafted',
        data: {
          ...terms,
          ...{ remindAt, expiresAt, configDigest: 'c0ffee' },
          details: { clear: { text: '', metadata }, sealed: null },
        },
      },
      draft: { submission, remindAt, expiresAt },
    });
  });

  test('has no reminder where the route reminds of nothing', () => {
    expect(decideDraft({ ...submission, route: 'quiet' }, now, rules)).toMatchObject({
      draft: { remindAt: null, expiresAt },
    });
  });

  test('is refused by the rules that its submission would be refused by', () => {
    for (const [change, rule] of [
      [{ route: 'nowhere' }, 'route_unknown'],
      [{ counterparty: 'cust-42' }, 'same_account'],
      [{ deadline: now }, 'deadline_in_past'],
    ] as const)
      expect(decideDraft({ ...submission, ...change }, now, rules)).toMatchObject({
        accepted: false,
        refusal: { rule },
      });
  });
});

describe('time', () => {
  const at = (time: string, reminder: string | null = remindAt) =>
    decideDue({ remindAt: reminder, expiresAt }, time)?.type ?? null;

  test('reminds of a draft and ends it, to the microsecond', () => {
    expect(at(addMicros(remindAt, -1n))).toBeNull();
    expect(at(remindAt)).toBe('DraftReminderDue');
    expect(at(addMicros(expiresAt, -1n))).toBe('DraftReminderDue');
    expect(at(expiresAt)).toBe('DraftExpired');
  });

  test('reminds of none that was reminded of', () => {
    expect(at(addMicros(expiresAt, -1n), null)).toBeNull();
    expect(at(expiresAt, null)).toBe('DraftExpired');
  });
});
