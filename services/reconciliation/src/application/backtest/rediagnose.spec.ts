import { expect, test } from '@jest/globals';
import type { RecordedEvent } from '@slipstream/slip';
import { acknowledged, at, held, intended, returned, Story, submitted, told } from '../../../test/story.ts';
import { diagnosisRules } from '../../domain/diagnosis/diagnose.ts';
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
      { was: 'callback_lost 90', now: 'provider_slow 90', rules: null, diagnoses: 1, slips: ['slip-1'] },
    ],
  });
});

test('of another time none is made again', () => {
  const rediagnosis = new Rediagnosis(({ time }) => time < at(5));
  rediagnosis.add(logOf([]));
  expect(rediagnosis.report().diagnoses).toBe(0);
});
