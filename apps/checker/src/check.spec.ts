import { describe, expect, test } from '@jest/globals';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { check } from './check.ts';
import type { Facts, TopicEvent, TruthRow } from './facts.ts';

const intake = '/slipstream/intake';
const deadline = '2026-11-22T10:00:10.000000Z';
const now = '2026-11-22T10:05:00.000000Z';

/** One slip, submitted, and unless `silent` answered by callback in time and settled: nothing is wrong. */
function sound(silent = false): { facts: Facts; add(event: SlipEvent): void } {
  const topic: TopicEvent[] = [];
  const facts: Facts = {
    topic,
    outbox: [],
    log: [],
    truth: [answered('2026-11-22T10:00:05.000Z')],
    imbalances: 0,
    now,
    since: null,
  };
  const add = (event: SlipEvent) => {
    const recorded: RecordedEvent = {
      id: `e${topic.length}`,
      slipId: 's1',
      source: intake,
      sequence: BigInt(topic.length + 1),
      time: '2026-11-22T10:00:00.000000Z',
      receivedTime: '2026-11-22T10:00:05.000000Z',
      clock: 'wall',
      event,
    };
    topic.push({ partition: 0, offset: BigInt(topic.length), recorded });
  };
  add(submitted);
  if (!silent) {
    add(returned);
    add({ type: 'SlipSettled', data: { transaction: null } });
  }
  return { facts, add };
}

const submitted = { type: 'SlipSubmitted', data: { deadline, mode: 'dispatched' } } as unknown as SlipEvent;
const returned = { type: 'SlipReturned', data: { outcome: 'succeeded' } } as unknown as SlipEvent;
const overdue: SlipEvent = { type: 'SlipOverdue', data: { stage: 'returned', deadline } };

function answered(deliveredAt: string | null, executions = 1): TruthRow {
  return {
    slip_id: 's1',
    reference: 'r1',
    provider: 'acme',
    received_at: '2026-11-22T10:00:01.000Z',
    executions,
    outcome: 'succeeded',
    answers: [
      { at: '2026-11-22T10:00:04.000Z', what: 'callback', outcome: 'succeeded', delivered_at: deliveredAt },
    ],
  };
}

const clean = { false_alarms: 0, missed: 0, lost_events: 0, boundary: 0, ledger_balanced: true };

describe('the checker', () => {
  test('finds nothing wrong with a sound slip', () => {
    expect(check(sound().facts)).toMatchObject({ slips: 1, returned: 1, recovered: 0, ...clean });
  });

  test('counts an alarm about an answer that was delivered in time', () => {
    const { facts, add } = sound();
    add(overdue);
    expect(check(facts)).toMatchObject({ ...clean, false_alarms: 1, recovered: 1, returned: 0 });
  });

  test.each<[string, SlipEvent]>([
    ['refunded', { type: 'SlipRefunded', data: { transaction: null, reason: 'not_returned' } }],
    ['called not executed', { type: 'SlipNotReturned', data: { basis: 'not_executed', deadline } }],
  ])('counts a slip that was %s although the provider executed it', (_name, event) => {
    const { facts, add } = sound();
    add(overdue);
    add(event);
    expect(check({ ...facts, truth: [answered(null)] })).toMatchObject({ ...clean, false_alarms: 1 });
  });

  test('an answer whose thanks were lost counts as received, one that was never given does not', () => {
    const late = answered('2026-11-22T10:01:00.000Z');
    expect(check({ ...sound().facts, truth: [late] })).toMatchObject(clean);
    const given = [{ ...late.answers[0]!, at: '2026-11-22T10:00:59.000Z' }];
    expect(check({ ...sound().facts, truth: [{ ...late, answers: given }] })).toMatchObject({
      ...clean,
      missed: 1,
    });
  });

  test.each<[string, Partial<TruthRow['answers'][number]>]>([
    ['was never sent', { delivered_at: null }],
    ['says something else', { outcome: 'failed' }],
  ])('counts a return that the topic tells of when the provider’s answer %s', (_name, difference) => {
    const late = answered('2026-11-22T10:01:00.000Z');
    const truth = [{ ...late, answers: [{ ...late.answers[0]!, ...difference }] }];
    expect(check({ ...sound().facts, truth })).toMatchObject({ ...clean, missed: 1 });
  });

  test.each(['callback', 'inquiry'])('counts silence about a %s that was delivered in time', (what) => {
    const row = answered('2026-11-22T10:00:05.000Z');
    const truth = [{ ...row, answers: [{ ...row.answers[0]!, what }] }];
    expect(check({ ...sound(true).facts, truth })).toMatchObject({ ...clean, missed: 1 });
    expect(check({ ...sound().facts, truth })).toMatchObject(clean);
  });

  test('counts a slip once, however much is wrong with it', () => {
    const { facts, add } = sound();
    add(overdue);
    add({ type: 'SlipRefunded', data: { transaction: null, reason: 'not_returned' } });
    expect(check(facts)).toMatchObject({ ...clean, false_alarms: 1 });
  });

  test.each<[string, TruthRow[]]>([
    ['never arrived', [answered(null)]],
    ['was never given', []],
    ['came late', [answered('2026-11-22T10:01:00.000Z')]],
  ])('counts silence about an answer that %s', (_name, truth) => {
    expect(check({ ...sound(true).facts, truth })).toMatchObject({ ...clean, missed: 1 });
  });

  test('a delivery within a second of the deadline is counted apart', () => {
    const { facts, add } = sound();
    add(overdue);
    expect(check({ ...facts, truth: [answered('2026-11-22T10:00:09.500Z')] })).toMatchObject({
      ...clean,
      boundary: 1,
    });
  });

  test('slips of an earlier run are left out', () => {
    const facts = { ...sound().facts, truth: [], since: '2026-11-22T10:00:01.000000Z' };
    expect(check(facts)).toMatchObject({ ...clean, slips: 0 });
  });

  test('a slip that is not due yet is not judged', () => {
    expect(check({ ...sound().facts, truth: [], now: '2026-11-22T10:00:01.000000Z' })).toMatchObject(clean);
  });

  test('counts a jump in seq, and skips an honest resend', () => {
    const { facts, add } = sound();
    expect(check({ ...facts, topic: [...facts.topic, facts.topic[1]!] })).toMatchObject(clean);
    add(overdue);
    expect(
      check({ ...facts, topic: facts.topic.filter((_, index) => index !== 2), truth: [answered(null)] }),
    ).toMatchObject({
      ...clean,
      lost_events: 1,
    });
  });

  test('counts a committed event that is absent from the topic, and one absent from the log', () => {
    const { facts } = sound();
    const here = { source: intake, partition: 0, seq: 1n };
    const gone = { source: intake, partition: 0, seq: 9n };
    expect(check({ ...facts, outbox: [here], log: [here] })).toMatchObject(clean);
    expect(check({ ...facts, outbox: [here, gone], log: [here, gone] })).toMatchObject({
      ...clean,
      lost_events: 1,
    });
    expect(check({ ...facts, outbox: [here], log: [] })).toMatchObject({ ...clean, lost_events: 1 });
  });

  test('sees a ledger that does not balance', () => {
    expect(check({ ...sound().facts, imbalances: 1 })).toMatchObject({ ...clean, ledger_balanced: false });
  });
});
