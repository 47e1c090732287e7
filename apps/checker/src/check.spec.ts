import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { check, isSound } from './check.ts';
import type { Posting, Told, WireEvent } from './events.ts';
import { sources } from './events.ts';
import type { Facts, Summary, TopicEvent } from './facts.ts';
import { factsOf, inAgreement, type Life, ms, ordinary, recordOf, silent, start } from './spec-support.ts';

const noErrors = {
  ...{
    false_alarms: 0,
    missed: 0,
    lost_events: 0,
    ledger_balanced: true,
    executed_twice: 0,
    money_differs: 0,
  },
  ...{ stuck: 0, verdict_differs: 0, parked: 0, read_not_durable: 0, lost_with_process: 0 },
};
const counted = (facts: Facts): Summary => check(facts).summary;

/** Changes what one kind of event says, everywhere it stands: the error is one of deciding, not of transport. */
function retold<Type extends Told['type']>(
  facts: Facts,
  type: Type,
  change: (told: Told & { type: Type }, event: WireEvent) => Partial<WireEvent>,
): Facts {
  const topic = facts.topic.map((one) => {
    if (one.event.told.type !== type) return one;
    const changed = change(one.event.told as Told & { type: Type }, one.event);
    return recordOf({ ...one.event, ...changed }, one.partition, one.offset);
  });
  return { ...facts, ...inAgreement({ ...facts, topic }) };
}

/** Leaves events out as if they had never been decided: numbers and offsets close up. */
function undecided(facts: Facts, leftOut: (one: TopicEvent) => boolean): Facts {
  return renumbered(
    facts,
    facts.topic.filter((one) => !leftOut(one)),
  );
}

/** Adds events behind all others of the slip's partition. */
function alsoSaid(facts: Facts, source: keyof typeof sources, ...said: readonly Told[]): Facts {
  const last = facts.topic.at(-1)!;
  const added = said.map((told, index) => {
    const time = last.event.time + BigInt(index + 1);
    const event = {
      ...last.event,
      id: `added-${facts.topic.length + index}`,
      source: sources[source],
      told,
      time,
      receivedTime: time,
    };
    return { ...last, event };
  });
  return renumbered(facts, [...facts.topic, ...added]);
}

function renumbered(facts: Facts, events: readonly TopicEvent[]): Facts {
  const numbers = new Map<string, bigint>();
  const topic = events.map(({ partition, event }) => {
    const next = (lane: string) => {
      numbers.set(lane, (numbers.get(lane) ?? 0n) + 1n);
      return numbers.get(lane)!;
    };
    const sequence = next(`${event.source} ${partition}`);
    return recordOf({ ...event, sequence }, partition, next(String(partition)) - 1n);
  });
  return { ...facts, ...inAgreement({ ...facts, topic }) };
}

const overdue: Told = { type: 'overdue', ofOutcome: true, deadline: start + ms(10_000) };
const one = factsOf([ordinary]);
const unanswered = factsOf([silent]);
/** Answered 2 s after the deadline. */
const late = factsOf([{ ...ordinary, answer: { ...ordinary.answer!, ms: 12_000 } }]);
const truth = one.truth[0]!;
const answer = truth.answers[0]!;

describe('a run in which nothing is wrong', () => {
  test('is told as it was', () => {
    expect(counted(one)).toEqual({
      ...{ slips: 1, returned: 1, recovered: 0, not_returned: 0, refunded: 0, rejected: 0, open_cases: 0 },
      ...{ boundary: 0, ...noErrors, evidence_delay_ms: null },
    });
    expect(counted(late)).toMatchObject({ ...noErrors, returned: 0, recovered: 1 });
    expect(counted(unanswered)).toMatchObject({ ...noErrors, not_returned: 1, refunded: 1 });
    const case_ = counted(factsOf([{ ...silent, silence: 'case' }]));
    expect(case_).toMatchObject({ ...noErrors, open_cases: 1 });
  });

  test('has a case open while one of its reasons is', () => {
    const people = factsOf([{ ...silent, silence: 'case' }]);
    const closed = (reason: string | null) =>
      alsoSaid(
        people,
        'reconciliation',
        { type: 'case_opened', reason: 'b' },
        { type: 'case_closed', reason },
      );
    expect(counted(closed('b'))).toMatchObject({ ...noErrors, open_cases: 1 });
    expect(counted(closed(null))).toMatchObject({ ...noErrors, open_cases: 0 });
  });

  test('needs no truth of a provider: what topic and SQL say is judged without', () => {
    const untold = (facts: Facts) => counted({ ...facts, truth: null });
    for (const facts of [one, late, unanswered]) expect(untold(facts)).toEqual(counted(facts));
    expect(untold(alsoSaid(one, 'reconciliation', overdue))).toMatchObject({
      false_alarms: 1,
      verdict_differs: 1,
    });
    expect(untold(undecided(unanswered, ({ event }) => event.told.type === 'overdue'))).toMatchObject({
      ...{ missed: 1, verdict_differs: 1 },
    });
    expect(untold({ ...one, log: one.log.slice(1) })).toMatchObject({ lost_events: 1 });
    // What the log cannot say is not said.
    expect(untold({ ...one, truth: [{ ...truth, executions: 2 }] })).toMatchObject({ executed_twice: 0 });
  });

  test('begins its line with the twelve names that are agreed on', () => {
    expect(Object.keys(counted(one)).slice(0, 12).join(' ')).toBe(
      'slips returned recovered not_returned refunded rejected open_cases boundary false_alarms missed lost_events ledger_balanced',
    );
  });

  test('gives no error whatever its slips live through', () => {
    const life: fc.Arbitrary<Life> = fc.record({
      submitMs: fc.integer({ min: 0, max: 20_000 }),
      deadlineMs: fc.integer({ min: 1, max: 10_000 }),
      kind: fc.constantFrom('order', 'payout', 'payment'),
      amount: fc.option(fc.bigInt({ min: 1n, max: 2n ** 62n }), { nil: null }),
      dispatched: fc.boolean(),
      holdMs: fc.integer({ min: 1, max: 12_000 }),
      hold: fc.constantFrom('held', 'held', 'held', 'refused'),
      answer: fc.option(
        fc.record({
          ms: fc.integer({ min: 1, max: 20_000 }),
          what: fc.constantFrom('reply', 'callback'),
          outcome: fc.constantFrom('succeeded', 'failed', 'void'),
          share: fc.constantFrom('all', 'half', null),
          commitMs: fc.integer({ min: 0, max: 3_000 }),
        }),
        { nil: null },
      ),
      silence: fc.constantFrom('refund', 'case'),
    });
    fc.assert(
      fc.property(fc.array(life, { maxLength: 12 }), (lives) => {
        const summary = counted(factsOf(lives));
        const { read_not_durable, evidence_delay_ms } = summary;
        expect(summary).toMatchObject({ ...noErrors, read_not_durable, slips: lives.length });
        expect(isSound(summary)).toBe(true);
        // Late by its commit alone: told apart, with how late it was.
        if (read_not_durable > 0) expect(evidence_delay_ms!.max).toBeLessThanOrEqual(3_000);
      }),
      { numRuns: 300 },
    );
  });

  test('may hold honest resends, slips of an earlier run and slips that are not due yet', () => {
    const resent = recordOf(one.topic[1]!.event, 0, 9n);
    expect(counted({ ...one, topic: [...one.topic, resent] })).toMatchObject(noErrors);
    expect(counted({ ...one, truth: [], since: start + 1n })).toMatchObject({ ...noErrors, slips: 0 });
    const early = undecided(
      unanswered,
      ({ event }) => event.source === sources.reconciliation || event.told.type === 'refunded',
    );
    expect(check({ ...early, now: start + ms(9_000) })).toMatchObject({ summary: noErrors, due: false });
  });

  test('goes on in a new incarnation, behind the numbers of the one before', () => {
    const topic = one.topic.map((record, index) =>
      recordOf({ ...record.event, incarnation: index < 2 ? 1n : 2n }, record.partition, record.offset),
    );
    expect(counted({ ...one, ...inAgreement({ ...one, topic }) })).toMatchObject(noErrors);
    // The one before speaks on: its database was replaced, and it does not know.
    const zombie = recordOf(
      { ...topic.at(-1)!.event, id: 'x', told: { type: 'other' }, incarnation: 1n, sequence: 3n },
      0,
      9n,
    );
    const facts = inAgreement({ ...one, topic: [...topic, zombie] });
    expect(counted(facts)).toMatchObject({ ...noErrors, lost_events: 1 });
  });
});

describe('events', () => {
  test('jumped over are counted, each once', () => {
    const topic = one.topic.filter(({ event }) => event.told.type !== 'funds_held');
    expect(counted({ ...one, topic })).toMatchObject({ lost_events: 1 });
    expect(counted({ ...one, topic, outbox: [] })).toMatchObject({ lost_events: 1 });
  });

  test('committed and absent from the topic, or from the ledger’s log, are counted', () => {
    const last = one.topic.at(-1)!;
    expect(counted({ ...one, topic: one.topic.slice(0, -1) })).toMatchObject({ lost_events: 1 });
    const log = one.log.filter(({ id }) => id !== last.event.id);
    expect(counted({ ...one, log })).toMatchObject({ ...noErrors, lost_events: 1 });
  });

  test('with a number that was given before are counted, though no number is missing', () => {
    // A database that lost its last commits gives their numbers again: consumers take the second for a resend.
    const [first] = one.topic;
    const again: WireEvent = { ...first!.event, id: 'other', slipId: 'slip-other' };
    const second = recordOf(again, 0, BigInt(one.topic.length));
    const outbox = [...one.outbox.slice(1), { partition: 0, seq: again.sequence, event: second.event }];
    const summary = counted({ ...one, topic: [...one.topic, second], outbox });
    expect(summary).toMatchObject({ slips: 2, lost_events: 1, missed: 1 });
  });

  test('that the ledger logged with other bytes, or the topic tells otherwise than they were committed, are counted', () => {
    const [first, ...rest] = one.log;
    expect(counted({ ...one, log: [{ ...first!, bytes: 'other' }, ...rest] })).toMatchObject({
      lost_events: 1,
    });
    const [event, ...others] = one.outbox;
    const outbox = [{ ...event!, event: { ...event!.event, digest: 'other' } }, ...others];
    expect(counted({ ...one, outbox })).toMatchObject({ lost_events: 1 });
  });
});

describe('a false alarm', () => {
  test('is a verdict on what the log has in time', () => {
    const summary = counted(alsoSaid(one, 'reconciliation', overdue));
    expect(summary).toMatchObject({ ...noErrors, false_alarms: 1, verdict_differs: 1, recovered: 1 });
  });

  test('is one also within a second of the deadline: the log is exact', () => {
    const near = factsOf([{ ...ordinary, answer: { ...ordinary.answer!, ms: 9_500 } }]);
    expect(counted(near)).toMatchObject({ ...noErrors, boundary: 1 });
    expect(counted(alsoSaid(near, 'reconciliation', overdue))).toMatchObject({
      false_alarms: 1,
      verdict_differs: 1,
    });
  });

  test('is a verdict although a callback was thanked for in time', () => {
    const rows = [{ ...late.truth[0]!, answers: [{ ...answer, delivered_at: '2026-11-22T10:00:05.000Z' }] }];
    expect(counted({ ...late, truth: rows })).toMatchObject({ ...noErrors, false_alarms: 1 });
  });

  test('is a refund, or the word that nothing was executed, about what was executed', () => {
    const executed = [{ ...unanswered.truth[0]!, executions: 1 }];
    expect(counted({ ...unanswered, truth: executed })).toMatchObject({ ...noErrors, false_alarms: 1 });
  });
});

describe('an answer that was read in time and durable too late', () => {
  const readAt = '2026-11-22T10:00:08.000Z';
  const byReply = factsOf([
    { ...ordinary, answer: { ...ordinary.answer!, what: 'reply', ms: 7_990, commitMs: 2_500 } },
  ]);
  /** The reply never reached the log; an inquiry found it out after the deadline. */
  const byInquiry = retold(byReply, 'returned', (told) => ({ told: { ...told, bySynchronousReply: false } }));
  const killed = (at: number, name = 'provider-gateway', until = at) => ({
    ...byInquiry,
    lostProcesses: [{ name, at: start + ms(at), until: start + ms(until) }],
  });

  test('is told apart, with how long it took', () => {
    expect(byReply.truth[0]!.answers[0]!.delivered_at).toBe(readAt);
    const summary = counted(byReply);
    expect(summary).toMatchObject({
      ...noErrors,
      read_not_durable: 1,
      evidence_delay_ms: { min: 2_500, max: 2_500 },
    });
    expect(isSound(summary)).toBe(true);
  });

  test('was lost with a process that was killed before it could commit it', () => {
    const lost = { ...noErrors, lost_with_process: 1, evidence_delay_ms: { min: 2_500, max: 2_500 } };
    expect(counted(killed(8_200))).toMatchObject(lost);
    expect(counted(killed(5_000, 'provider-gateway-2', 9_000))).toMatchObject(lost);
  });

  test.each([
    ['nobody was killed', byInquiry],
    ['another service was killed', killed(8_200, 'ledger')],
    ['the gateway was killed before', killed(2_000)],
    ['the gateway was killed long after', killed(60_000)],
  ])('is a false alarm when %s', (_, facts) => {
    expect(counted(facts)).toMatchObject({ ...noErrors, false_alarms: 1 });
  });
});

describe('a missed slip', () => {
  test.each(['callback', 'reply', 'inquiry'])('is silence about a %s that was delivered in time', (what) => {
    const quiet = undecided(
      one,
      ({ event }) => event.told.type === 'returned' || event.told.type === 'settled',
    );
    const rows = [{ ...truth, answers: [{ ...answer, what }] }];
    expect(counted({ ...quiet, truth: rows })).toMatchObject({ missed: 1, stuck: 1, verdict_differs: 1 });
  });

  test('is silence about an answer that came late', () => {
    const quiet = undecided(late, ({ event }) => event.told.type === 'overdue');
    expect(counted(quiet)).toMatchObject({ ...noErrors, missed: 1, verdict_differs: 1 });
  });

  test('is silence about no answer: without end, verdict or case it is stuck, too', () => {
    const quiet = undecided(
      unanswered,
      ({ event }) => !['submitted', 'funds_held'].includes(event.told.type),
    );
    expect(counted(quiet)).toMatchObject({ ...noErrors, missed: 1, stuck: 1, verdict_differs: 1 });
    const withCase = alsoSaid(quiet, 'reconciliation', { type: 'case_opened', reason: 'x' });
    expect(counted(withCase)).toMatchObject({ ...noErrors, missed: 1, verdict_differs: 1 });
  });

  test('is one of a reported route, too', () => {
    const reported = factsOf([{ ...silent, dispatched: false }]);
    const quiet = undecided(reported, ({ event }) => !['submitted', 'funds_held'].includes(event.told.type));
    expect(counted(quiet)).toMatchObject({ missed: 1, stuck: 1, verdict_differs: 1 });
  });

  test.each([
    ['was never sent', [{ ...answer, delivered_at: null }]],
    ['says something else', [{ ...answer, outcome: 'failed' }]],
    [
      'was given only later',
      [{ ...answer, at: '2026-11-22T10:00:59.000Z', delivered_at: '2026-11-22T10:01:00.000Z' }],
    ],
    ['was never given', []],
  ])('has a return in the log when the provider’s answer %s', (_, answers) => {
    expect(counted({ ...one, truth: [{ ...truth, answers }] })).toMatchObject({ ...noErrors, missed: 1 });
  });

  test('is none when only the thanks for its answer were lost', () => {
    const answers = [{ ...answer, delivered_at: '2026-11-22T10:01:00.000Z' }];
    expect(counted({ ...one, truth: [{ ...truth, answers }] })).toMatchObject(noErrors);
  });

  test('is one that intake accepted or committed and nobody ever heard of', () => {
    const empty = { ...one, topic: [], log: [], truth: [], transactions: [] };
    expect(counted({ ...empty, outbox: [] })).toMatchObject({ ...noErrors, missed: 1 });
    expect(counted({ ...empty, outbox: one.outbox.slice(0, 1) })).toMatchObject({
      missed: 1,
      lost_events: 1,
    });
  });

  test('is one that a consumer set aside, and it is counted as parked', () => {
    const quiet = undecided(
      unanswered,
      ({ event }) => event.source === sources.reconciliation || event.told.type === 'refunded',
    );
    const where = { topic: 'slips.events.v1', partition: 0, offset: 1n, key: 'slip-0' };
    const setAside = [
      { ...where, service: 'reconciliation' },
      { ...where, service: 'ledger' },
      { ...where, service: 'intake', topic: 'slips.commands.v1', key: null },
    ];
    expect(counted({ ...quiet, setAside })).toMatchObject({ missed: 1, parked: 2, verdict_differs: 0 });
  });

  test('is found on an import by the verdicts around it', () => {
    const lives = [0, 3_000, 6_000].map((submitMs) => ({ ...silent, submitMs, dispatched: false }));
    // One partition: the deadlines there are judged in their order.
    const imported = factsOf(lives);
    const topic = imported.topic.map(({ event }) => ({
      ...imported.topic[0]!,
      event: { ...event, clock: 'import-1' },
    }));
    const all = renumbered({ ...imported, truth: [] }, topic);
    expect(counted(all)).toMatchObject(noErrors);
    const without = (slipId: string) =>
      counted(
        undecided(
          all,
          ({ event }) => event.slipId === slipId && !['submitted', 'funds_held'].includes(event.told.type),
        ),
      );
    expect(without('slip-1')).toMatchObject({ missed: 1, verdict_differs: 1 });
    expect(without('slip-2')).toMatchObject(noErrors);
  });
});

describe('money', () => {
  const posting = (
    account: string,
    direction: Posting['direction'],
    amount: bigint,
    currency = 'EUR',
  ): Posting => ({
    account,
    direction,
    amount: { amount, currency },
  });
  const posts = (type: 'funds_held' | 'settled' | 'refunded', ...postings: Posting[]) =>
    counted(
      retold(type === 'refunded' ? unanswered : one, type, (told) => ({
        told: { ...told, transaction: { ...told.transaction!, postings } },
      })),
    );

  test.each<[string, Summary]>([
    [
      'holds another amount',
      posts(
        'funds_held',
        posting('payer:cust:available', 'debit', 999n),
        posting('payer:cust:held', 'credit', 999n),
      ),
    ],
    [
      'holds the wrong way round',
      posts(
        'funds_held',
        posting('payer:cust:available', 'credit', 1_000n),
        posting('payer:cust:held', 'debit', 1_000n),
      ),
    ],
    [
      'settles in another currency',
      posts(
        'settled',
        posting('payer:cust:held', 'debit', 1_000n, 'USD'),
        posting('provider:acme:settlement', 'credit', 1_000n, 'USD'),
      ),
    ],
    [
      'settles more than the hold',
      posts(
        'settled',
        posting('payer:cust:held', 'debit', 5_000n),
        posting('provider:acme:settlement', 'credit', 5_000n),
      ),
    ],
    [
      'settles to another provider',
      posts(
        'settled',
        posting('payer:cust:held', 'debit', 1_000n),
        posting('provider:other:settlement', 'credit', 1_000n),
      ),
    ],
    [
      'gives back less than the hold',
      posts(
        'refunded',
        posting('payer:cust:held', 'debit', 900n),
        posting('payer:cust:available', 'credit', 900n),
      ),
    ],
    [
      'gives back to somebody else',
      posts(
        'refunded',
        posting('payer:cust:held', 'debit', 1_000n),
        posting('payer:other:available', 'credit', 1_000n),
      ),
    ],
    [
      'moves where there is no amount',
      counted(retold(one, 'submitted', (told) => ({ told: { ...told, amount: null } }))),
    ],
  ])('differs when the ledger %s', (_, summary) => {
    expect(summary).toMatchObject({ ...noErrors, money_differs: 1 });
  });

  test.each<[string, Told, Told]>([
    [
      'another currency',
      {
        type: 'returned',
        provider: 'acme',
        outcome: 'succeeded',
        amount: { amount: 1_000n, currency: 'USD' },
        bySynchronousReply: false,
        byStatement: false,
        reference: null,
      },
      { type: 'other' },
    ],
    [
      'more than was held',
      {
        type: 'returned',
        provider: 'acme',
        outcome: 'succeeded',
        amount: { amount: 100_000n, currency: 'EUR' },
        bySynchronousReply: false,
        byStatement: false,
        reference: null,
      },
      { type: 'other' },
    ],
  ])('differs when a success in %s settles by itself', (_, told) => {
    const odd = retold(one, 'returned', () => ({ told }));
    expect(counted(odd)).toMatchObject({ ...noErrors, money_differs: 1 });
    expect(counted(undecided(odd, ({ event }) => event.told.type === 'settled'))).toMatchObject(noErrors);
  });

  test.each<[string, Facts]>([
    ['is held twice', alsoSaid(one, 'ledger', one.topic[1]!.event.told)],
    ['is settled and refunded', alsoSaid(one, 'ledger', { type: 'refunded', transaction: null })],
    ['is settled without an answer', undecided(one, ({ event }) => event.told.type === 'returned')],
    ['is never settled after a success', undecided(one, ({ event }) => event.told.type === 'settled')],
    [
      'is never given back after a refusal',
      undecided(
        factsOf([{ ...ordinary, answer: { ...ordinary.answer!, outcome: 'failed' } }]),
        ({ event }) => event.told.type === 'refunded',
      ),
    ],
    [
      'is given back without a reason',
      undecided(unanswered, ({ event }) => event.told.type === 'refund_requested'),
    ],
    [
      'is not claimed when a success comes after the refund',
      alsoSaid(unanswered, 'gateway', {
        type: 'returned',
        provider: 'acme',
        outcome: 'succeeded',
        amount: null,
        bySynchronousReply: false,
        byStatement: false,
        reference: null,
      }),
    ],
  ])('differs when it %s', (_, facts) => {
    expect(counted(facts)).toMatchObject({ money_differs: 1, lost_events: 0 });
  });

  test('is decided in the order of what the ledger is told, however late it speaks', () => {
    // It was away: the hold comes behind everything else, and the refund right after it.
    const events = (...types: Told['type'][]) =>
      types.map((type) => unanswered.topic.find(({ event }) => event.told.type === type)!);
    const away = events('submitted', 'overdue', 'not_returned', 'refund_requested', 'funds_held', 'refunded');
    expect(counted(renumbered(unanswered, away))).toMatchObject(noErrors);
    const before = events(
      'submitted',
      'funds_held',
      'refunded',
      'overdue',
      'not_returned',
      'refund_requested',
    );
    expect(counted(renumbered(unanswered, before))).toMatchObject({ ...noErrors, money_differs: 1 });
  });

  test('is claimed from the provider after a late success, once', () => {
    const postings = [
      posting('provider:acme:receivable', 'debit', 1_000n),
      posting('provider:acme:settlement', 'credit', 1_000n),
    ];
    const facts = alsoSaid(unanswered, 'gateway', {
      type: 'returned',
      provider: 'acme',
      outcome: 'succeeded',
      amount: null,
      bySynchronousReply: false,
      byStatement: false,
      reference: null,
    });
    const claimed = alsoSaid(facts, 'ledger', {
      type: 'posting_compensated',
      transaction: { id: 'c', type: 'compensate', postings },
    });
    expect(counted(claimed)).toMatchObject({ ...noErrors, money_differs: 0 });
  });

  const says = (outcome: 'succeeded' | 'failed', more: object = {}): Told => ({
    ...{ type: 'returned', provider: 'acme', outcome, amount: null, bySynchronousReply: false },
    ...{ byStatement: false, reference: null, ...more },
  });
  const claims = (reason: string, ...postings: Posting[]): Told => ({
    type: 'posting_compensated',
    transaction: { id: reason, type: 'compensate', postings },
  });
  const reversal = claims(
    'reversal',
    posting('provider:acme:receivable', 'debit', 1_000n),
    posting('payer:cust:suspense', 'credit', 1_000n),
  );
  const back = claims(
    'back',
    posting('payer:cust:suspense', 'debit', 1_000n),
    posting('payer:cust:available', 'credit', 1_000n),
  );

  test('is claimed of each part that comes after the refund, once', () => {
    const late = (units: bigint, reference: string) =>
      says('succeeded', { amount: { amount: units, currency: 'EUR' }, reference });
    const claim = (units: bigint) =>
      claims(
        `late ${units}`,
        posting('provider:acme:receivable', 'debit', units),
        posting('provider:acme:settlement', 'credit', units),
      );
    const first = alsoSaid(alsoSaid(unanswered, 'gateway', late(400n, 'p-1')), 'ledger', claim(400n));
    expect(counted(first)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(first, 'gateway', late(400n, 'p-1')))).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(first, 'gateway', late(601n, 'p-2')))).toMatchObject({ money_differs: 0 });
    const second = alsoSaid(first, 'gateway', late(600n, 'p-2'));
    expect(counted(second)).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(second, 'ledger', claim(600n)))).toMatchObject({ money_differs: 0 });
  });

  test('is claimed once when what was settled is denied, and given back by a statement alone', () => {
    const denied = alsoSaid(one, 'gateway', says('failed'));
    expect(counted(denied)).toMatchObject({ money_differs: 1 });
    const claimed = alsoSaid(denied, 'ledger', reversal);
    expect(counted(claimed)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(claimed, 'ledger', reversal))).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(claimed, 'gateway', says('failed')))).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(claimed, 'ledger', back))).toMatchObject({ money_differs: 1 });
    const shown = alsoSaid(claimed, 'gateway', says('failed', { byStatement: true }));
    expect(counted(alsoSaid(shown, 'ledger', back))).toMatchObject({ money_differs: 0 });
    const other = alsoSaid(one, 'gateway', says('failed', { provider: 'borealis' }));
    expect(counted(other)).toMatchObject({ money_differs: 0 });
  });

  test('comes back in parts by a statement, each once, and the rest stays settled', () => {
    const part = (amount: bigint, bookedOn: string | null, occurrence = 1) =>
      says('failed', { byStatement: true, amount: { amount, currency: 'EUR' }, bookedOn, occurrence });
    const given = (amount: bigint, id = `back ${amount}`) =>
      claims(
        id,
        posting('provider:acme:receivable', 'debit', amount),
        posting('payer:cust:available', 'credit', amount),
      );
    const first = alsoSaid(one, 'gateway', part(300n, '2026-11-23'));
    expect(counted(first)).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(first, 'ledger', given(1_000n)))).toMatchObject({ money_differs: 1 });
    const back = alsoSaid(first, 'ledger', given(300n));
    expect(counted(back)).toMatchObject({ money_differs: 0 });
    const again = alsoSaid(back, 'gateway', part(300n, '2026-11-23'));
    expect(counted(again)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(again, 'ledger', given(300n)))).toMatchObject({ money_differs: 1 });
    const second = alsoSaid(again, 'gateway', part(300n, '2026-11-23', 2));
    expect(counted(second)).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(second, 'ledger', given(300n, 'second')))).toMatchObject({ money_differs: 0 });
    for (const more of [part(701n, '2026-11-24'), part(300n, null)])
      expect(counted(alsoSaid(back, 'gateway', more))).toMatchObject({ money_differs: 0 });
    const rest = alsoSaid(back, 'gateway', part(700n, '2026-11-24'));
    expect(counted(rest)).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(rest, 'ledger', given(700n)))).toMatchObject({ money_differs: 0 });
  });

  test('leaves suspense when people say so, once, by the postings of what they decided', () => {
    const denied = alsoSaid(alsoSaid(one, 'gateway', says('failed')), 'ledger', reversal);
    const upheld = claims(
      'upheld',
      posting('payer:cust:suspense', 'debit', 1_000n),
      posting('provider:acme:receivable', 'credit', 1_000n),
    );
    const decided = (isUpheld: boolean) =>
      alsoSaid(denied, 'ledger', {
        type: 'suspense_decided',
        decision: isUpheld ? 'uphold' : 'give_back',
        provider: 'acme',
        entry: 3,
      });
    expect(counted(decided(true))).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(decided(true), 'ledger', upheld))).toMatchObject({ money_differs: 0 });
    const ofAnother = { type: 'suspense_decided', decision: 'uphold', provider: 'acme', entry: 1 } as const;
    expect(counted(alsoSaid(denied, 'ledger', ofAnother))).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(alsoSaid(denied, 'ledger', ofAnother), 'ledger', upheld))).toMatchObject({
      money_differs: 1,
    });
    expect(counted(alsoSaid(decided(true), 'ledger', back))).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(decided(false), 'ledger', back))).toMatchObject({ money_differs: 0 });
    const twice = alsoSaid(alsoSaid(decided(false), 'ledger', back), 'ledger', {
      ...{ type: 'suspense_decided', decision: 'uphold', provider: 'acme', entry: 0 },
    });
    expect(counted(twice)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(twice, 'ledger', upheld))).toMatchObject({ money_differs: 1 });
    expect(
      counted(
        alsoSaid(one, 'ledger', { type: 'suspense_decided', decision: 'uphold', provider: 'acme', entry: 0 }),
      ),
    ).toMatchObject({
      money_differs: 0,
    });
  });

  test('is a loss of the house when people write a claim off, once, and never before the payer has it', () => {
    const claimed = alsoSaid(alsoSaid(one, 'gateway', says('failed')), 'ledger', reversal);
    const people = { provider: 'acme', entry: 0 } as const;
    const writtenOff = (before: Parameters<typeof alsoSaid>[0]) =>
      alsoSaid(before, 'ledger', { type: 'suspense_decided', decision: 'write_off', ...people });
    const loss = claims(
      'loss',
      posting('house:own:losses', 'debit', 1_000n),
      posting('provider:acme:receivable', 'credit', 1_000n),
    );
    expect(counted(writtenOff(claimed))).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(writtenOff(claimed), 'ledger', loss))).toMatchObject({ money_differs: 1 });
    const given = alsoSaid(claimed, 'ledger', { type: 'suspense_decided', decision: 'give_back', ...people });
    const owed = writtenOff(alsoSaid(given, 'ledger', back));
    expect(counted(owed)).toMatchObject({ money_differs: 1 });
    const lost = alsoSaid(owed, 'ledger', loss);
    expect(counted(lost)).toMatchObject({ money_differs: 0 });
    expect(counted(writtenOff(lost))).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(lost, 'ledger', loss))).toMatchObject({ money_differs: 1 });
  });

  test('that is held for a success in doubt is settled whole or given back, as people say', () => {
    const first = unanswered.topic.filter(({ event }) =>
      ['submitted', 'funds_held'].includes(event.told.type),
    );
    const held = renumbered(unanswered, first);
    const doubted = alsoSaid(
      held,
      'gateway',
      says('succeeded', { amount: { amount: 1_001n, currency: 'EUR' } }),
    );
    const decided = (upheld: boolean) =>
      alsoSaid(doubted, 'ledger', {
        type: 'suspense_decided',
        decision: upheld ? 'uphold' : 'give_back',
        provider: 'acme',
        entry: 1,
      });
    const settled: Told = {
      type: 'settled',
      transaction: {
        ...{ id: 'settled', type: 'settle' },
        postings: [
          posting('payer:cust:held', 'debit', 1_000n),
          posting('provider:acme:settlement', 'credit', 1_000n),
        ],
      },
    };
    const refunded: Told = {
      type: 'refunded',
      transaction: {
        ...{ id: 'refunded', type: 'refund' },
        postings: [
          posting('payer:cust:held', 'debit', 1_000n),
          posting('payer:cust:available', 'credit', 1_000n),
        ],
      },
    };
    const differing = (facts: Parameters<typeof counted>[0]) => counted(facts).money_differs;
    expect(differing(doubted)).toBe(0);
    expect(differing(alsoSaid(doubted, 'ledger', settled))).toBe(1);
    expect(differing(decided(true))).toBe(1);
    expect(differing(alsoSaid(decided(true), 'ledger', settled))).toBe(0);
    expect(differing(alsoSaid(decided(true), 'ledger', refunded))).toBe(1);
    expect(differing(alsoSaid(decided(false), 'ledger', refunded))).toBe(0);
  });

  test('stays where it is for a denial that was said before its success was here, and that came later', () => {
    const { receivedTime } = one.topic.find(({ event }) => event.told.type === 'returned')!.event;
    const older = alsoSaid(one, 'gateway', says('failed', { providerTime: receivedTime - 1n }));
    expect(counted(older)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(older, 'ledger', reversal))).toMatchObject({ money_differs: 1 });
    const since = alsoSaid(one, 'gateway', says('failed', { providerTime: receivedTime }));
    expect(counted(since)).toMatchObject({ money_differs: 1 });
  });

  test('stays where it is for a statement of another amount than was executed', () => {
    const shown = (amount: bigint) => ({ byStatement: true, amount: { amount, currency: 'EUR' } });
    const other = alsoSaid(one, 'gateway', says('failed', shown(999n)));
    expect(counted(other)).toMatchObject({ money_differs: 0 });
    expect(counted(alsoSaid(one, 'gateway', says('failed', shown(1_000n))))).toMatchObject({
      money_differs: 1,
    });
  });

  test('has beside it what the provider charges, and nothing else', () => {
    const fee = { amount: 30n, currency: 'USD' };
    const charged = retold(one, 'returned', (told) => ({ told: { ...told, fee } }));
    expect(counted(charged)).toMatchObject({ money_differs: 1 });
    const books = (minor: bigint, account: string) =>
      retold(charged, 'settled', (told) => ({
        told: {
          ...told,
          fee: {
            ...{ id: 'fee', type: 'fee' },
            postings: [
              posting('house:own:costs', 'debit', minor, 'USD'),
              posting(account, 'credit', minor, 'USD'),
            ],
          },
        },
      }));
    expect(counted(books(30n, 'provider:acme:fees'))).toMatchObject({ money_differs: 0 });
    expect(counted(books(31n, 'provider:acme:fees'))).toMatchObject({ money_differs: 1 });
    expect(counted(books(30n, 'provider:other:fees'))).toMatchObject({ money_differs: 1 });
  });

  test('is settled in parts, under other references and up to what was held', () => {
    const part = (amount: bigint, reference: string) =>
      says('succeeded', { amount: { amount, currency: 'EUR' }, reference });
    const settles = (id: string, ...postings: Posting[]): Told => ({
      type: 'settled',
      transaction: { id, type: 'settle', postings },
    });
    const begun = retold(
      retold(one, 'returned', () => ({ told: part(400n, 'a') })),
      'settled',
      () => ({
        told: settles(
          'first',
          posting('payer:cust:held', 'debit', 1_000n),
          posting('provider:acme:settlement', 'credit', 400n),
          posting('payer:cust:available', 'credit', 600n),
        ),
      }),
    );
    const second = settles(
      'second',
      posting('payer:cust:available', 'debit', 600n),
      posting('provider:acme:settlement', 'credit', 600n),
    );
    const more = alsoSaid(begun, 'gateway', part(600n, 'b'));
    expect(counted(more)).toMatchObject({ money_differs: 1 });
    expect(counted(alsoSaid(more, 'ledger', second))).toMatchObject({ money_differs: 0 });
    const stranger = alsoSaid(begun, 'gateway', says('failed', { reference: 'c' }));
    expect(counted(stranger)).toMatchObject({ money_differs: 0 });
    const denied = alsoSaid(begun, 'gateway', says('failed', { reference: 'a' }));
    expect(counted(denied)).toMatchObject({ money_differs: 1 });
    for (const same of [part(600n, 'a'), part(601n, 'b')]) {
      const told = alsoSaid(begun, 'gateway', same);
      expect(counted(told)).toMatchObject({ money_differs: 0 });
      expect(counted(alsoSaid(told, 'ledger', second))).toMatchObject({ money_differs: 1 });
    }
  });

  test.each<[string, (transactions: Facts['transactions']) => Facts['transactions']]>([
    ['lacks a transaction', (all) => all.slice(1)],
    ['has one more', (all) => [...all, { ...all[0]!, id: 'more' }]],
    ['has one of a slip that nobody knows', (all) => [...all, { ...all[0]!, id: 'x', slipId: 'nobody' }]],
    ['has it on another clock', (all) => all.map((one) => ({ ...one, clock: 'import-1' }))],
    ['has other postings', ([first, ...all]) => [{ ...first!, postings: first!.postings.slice(1) }, ...all]],
  ])('differs when SQL %s', (_, change) => {
    expect(counted({ ...one, transactions: change(one.transactions) })).toMatchObject({
      ...noErrors,
      money_differs: 1,
    });
  });

  test('differs when a provider executed what was never held', () => {
    const nothing = undecided(unanswered, ({ event }) =>
      ['funds_held', 'refunded'].includes(event.told.type),
    );
    expect(counted({ ...nothing, truth: [{ ...unanswered.truth[0]!, executions: 1 }] })).toMatchObject({
      money_differs: 1,
    });
  });

  test('does not balance when SQL does not', () => {
    expect(counted({ ...one, imbalances: 1 })).toMatchObject({ ...noErrors, ledger_balanced: false });
  });
});

test.each([
  ['twice by one provider', [{ ...truth, executions: 2 }]],
  ['by two providers', [truth, { ...truth, provider: 'borealis' }]],
])('a slip that was executed %s is counted', (_, rows) => {
  const summary = counted({ ...one, truth: rows });
  expect(summary).toMatchObject({ ...noErrors, executed_twice: 1 });
  expect(isSound(summary)).toBe(false);
});
