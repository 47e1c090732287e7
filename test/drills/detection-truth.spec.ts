import { expect, test } from '@jest/globals';
import { factsOf, ms, ordinary, silent, start } from '../../apps/checker/src/spec-support.ts';
import { judgeDetection } from './detection-truth.ts';

const facts = factsOf([ordinary, silent, ordinary]);
const judgedOf = (given: typeof facts, taken = 3) => judgeDetection(given, taken).judged;
const without = (type: string) => {
  const leftOut = ({ event }: { readonly event: { readonly told: { readonly type: string } } }) =>
    event.told.type !== type;
  return { ...facts, topic: facts.topic.filter(leftOut), outbox: facts.outbox.filter(leftOut) };
};

test('a run in which everything late was found, and nothing else', () => {
  expect(judgedOf(facts)).toMatchObject({
    ...{ slips: 3, overdue: 1, false_alarms: 0, missed: 0, holds: true },
    verdict_delay_ms: { median: 0, max: 0 },
  });
});

test('how late a verdict was is measured from its deadline', () => {
  const topic = facts.topic.map((one) =>
    one.event.told.type === 'overdue'
      ? { ...one, event: { ...one.event, time: start + ms(silent.deadlineMs + 31_000) } }
      : one,
  );
  expect(judgedOf({ ...facts, topic }).verdict_delay_ms).toEqual({ median: 31_000, max: 31_000 });
});

test('does not hold when a slip was missed, when one that was taken is unknown, and when nothing was to be found', () => {
  expect(judgedOf(without('overdue'))).toMatchObject({ missed: 1, holds: false });
  expect(judgedOf(facts, 4)).toMatchObject({ holds: false });
  expect(judgedOf(factsOf([ordinary]), 1)).toMatchObject({ false_alarms: 0, missed: 0, holds: false });
});

test('does not hold before every deadline has passed', () => {
  expect(judgedOf({ ...facts, now: start + ms(1_000) })).toMatchObject({ holds: false });
});
