import { expect, test } from '@jest/globals';
import type { Cause, RecordedEvent } from '@slipstream/slip';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  returned,
  Story,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { diagnose, diagnosisRules } from '../../domain/diagnosis/diagnose.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { Rediagnosis } from './rediagnose.ts';
import { ownSource } from './rerun.ts';

const begun = [told(submitted(), at(0)), told(held, at(1)), told(intended(), at(2))] as const;
const taken = told(acknowledged, at(3));
const late = told(returned(), at(12));
const frozen: Stall = { service: 'gateway', from: at(4), until: at(11) };

/** The log of a slip whose answer was late, with all that was decided about it before `unheard` was heard. */
function logOf(stalls: readonly Stall[], unheard: readonly RecordedEvent[] = []): RecordedEvent[] {
  const story = new Story(...begun, taken)
    .stalled(...stalls)
    .judge(at(10.1))
    .tell(late);
  const own = story.decided.map(({ id, event, at: time }) => ({
    ...told(event, time),
    id: id!,
    source: ownSource,
  }));
  const overdue = own.filter(({ event }) => event.type === 'SlipOverdue');
  return [...begun, taken, ...overdue, late, ...unheard, ...own.filter((one) => !overdue.includes(one))];
}

const again = (events: readonly RecordedEvent[]) => {
  const rediagnosis = new Rediagnosis();
  rediagnosis.add(events);
  return rediagnosis.report();
};

/** As a release with other rules would have said it. */
const saidBefore = (events: readonly RecordedEvent[]) =>
  events.map((recorded) => {
    if (recorded.event.type !== 'SlipDiagnosed') return recorded;
    const { cause } = recorded.event.data;
    return {
      ...recorded,
      event: { ...recorded.event, data: { cause: { ...cause, code: 'callback_lost' } } },
    };
  });

test('a diagnosis made again from the log is the same', () => {
  expect(again(logOf([]))).toMatchObject({ rules: diagnosisRules, diagnoses: 1, same: 1, others: [] });
});

test('the stalls that it names are what it knew', () => {
  const log = logOf([frozen]);
  const said = log.find(({ event }) => event.type === 'SlipDiagnosed')!;
  expect(said.event.data).toMatchObject({
    cause: { code: 'gateway_stalled' },
    rules: diagnosisRules,
    stalls: [frozen],
  });
  expect(again(log)).toMatchObject({ diagnoses: 1, same: 1 });
});

test('what reached the log while it was on its way was not heard', () => {
  const words = told(returned({ evidence: 'synchronous_reply', amount: null }), at(12.5));
  expect(again(logOf([], [words]))).toMatchObject({ diagnoses: 1, same: 1 });
});

test('one that other rules found is told with what it was and would be', () => {
  expect(again(saidBefore(logOf([])))).toMatchObject({
    ...{ diagnoses: 1, same: 0 },
    others: [
      {
        was: 'callback_lost 90',
        now: 'provider_slow 90',
        rules: null,
        diagnoses: 1,
        repeated: null,
        slips: ['slip-1'],
      },
    ],
  });
});

test('one that an older version found is found by it still, or is not what the log gives', () => {
  const notFound = told(answered(1, 'not_found'), at(14));
  const heard = [...begun, told(unanswered(), at(4))] as const;
  const story = new Story(...heard).judge(at(10.1)).tell(notFound);
  const cause = diagnose(story.known, 2);
  const overdue = story.decided.find(({ event }) => event.type === 'SlipOverdue')!;
  const said = (code: Cause['code']) => [
    ...heard,
    { ...told(overdue.event, at(10.1)), id: overdue.id!, source: ownSource },
    notFound,
    {
      ...told({ type: 'SlipDiagnosed', data: { cause: { ...cause, code }, rules: 2, stalls: [] } }, at(14.1)),
      source: ownSource,
    },
  ];
  const other = { was: 'undetermined 40', now: 'request_lost 40', rules: 2, diagnoses: 1 };
  expect(again(said('undetermined')).others).toMatchObject([{ ...other, repeated: 1 }]);
  expect(again(said('callback_lost')).others).toMatchObject([
    { ...other, was: 'callback_lost 40', repeated: 0 },
  ]);
});

test('of another time none is made again', () => {
  const rediagnosis = new Rediagnosis(({ time }) => time < at(5));
  rediagnosis.add(logOf([]));
  expect(rediagnosis.report().diagnoses).toBe(0);
});
