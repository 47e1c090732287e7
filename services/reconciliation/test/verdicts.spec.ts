import { expect, test } from '@jest/globals';
import { addMicros, addMs, type Instant } from '@slipstream/kernel';
import { endsReturned, type RecordedEvent, type SlipEvent } from '@slipstream/slip';
import fc from 'fast-check';
import type { Owner } from '../src/domain/deadline/marks.ts';
import { type LogRecord, MemoryReconciliation } from './memory.ts';
import {
  acknowledged,
  at,
  held,
  intended,
  refunded,
  refused,
  returned,
  settled,
  submitted,
  told,
} from './story.ts';

/** One slip's life: times in milliseconds after submission; null is never. */
interface Life {
  readonly submitMs: number;
  readonly deadlineMs: number;
  readonly graceMs: number;
  /** Held, refused, or nothing yet. */
  readonly hold: 'held' | 'refused' | 'none';
  readonly holdMs: number;
  readonly returnMs: number | null;
  /** From the receipt of the answer to its publication: a lagging gateway. */
  readonly lagMs: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly clock: 'wall' | 'import-1';
}

const time = fc.integer({ min: 1, max: 8_000 });
const life: fc.Arbitrary<Life> = fc.record({
  submitMs: fc.integer({ min: 0, max: 10_000 }),
  deadlineMs: fc.integer({ min: 1, max: 10_000 }),
  graceMs: fc.constantFrom(0, 0, 500),
  hold: fc.constantFrom('held', 'held', 'held', 'refused', 'none'),
  holdMs: fc.oneof(fc.integer({ min: 1, max: 500 }), time),
  returnMs: fc.option(time, { nil: null }),
  lagMs: fc.oneof(fc.constant(0), time),
  outcome: fc.constantFrom('succeeded', 'failed'),
  clock: fc.constantFrom('wall', 'wall', 'import-1'),
});

interface Entry {
  readonly owner: Owner;
  readonly published: Instant;
  readonly recorded: RecordedEvent;
}

/** What each service publishes about one slip. On an import everything received bears the importer's time. */
function publications(slipId: string, life: Life): Entry[] {
  const { clock } = life;
  const start = addMs(at(0), life.submitMs);
  const after = (ms: number) => addMs(start, ms);
  const entries: Entry[] = [];
  const add = (owner: Owner, event: SlipEvent, published: Instant, receivedTime = published) =>
    entries.push({ owner, published, recorded: told(event, published, { slipId, clock, receivedTime }) });
  const policy = { graceMs: life.graceMs, quietPeriodMs: 2_000, inquiryLadderMs: [0, 1_000] };
  const mode = clock === 'wall' ? 'dispatched' : 'reported';
  add('intake', submitted({ mode, deadline: after(life.deadlineMs), policy }), start);
  // The ledger always answers for an import; on the wall clock it may be down for good.
  if (life.hold === 'none' && clock === 'wall') return entries;
  add('ledger', life.hold === 'refused' ? refused : held, after(life.holdMs));
  if (life.hold === 'refused') return entries;
  if (mode === 'dispatched') add('gateway', intended(), after(life.holdMs + 1));
  if (life.returnMs === null) return entries;
  const received = after(life.holdMs + 1 + life.returnMs);
  const published = addMs(received, life.lagMs);
  add('gateway', acknowledged, published, received);
  add('gateway', returned({ outcome: life.outcome }), published, received);
  add('ledger', life.outcome === 'succeeded' ? settled : refunded, addMs(published, 50));
  return entries;
}

/** The partition's log: in order of publication, each slip's own order kept. */
function logOf(lives: readonly Life[]): (LogRecord & { owner: Owner })[] {
  const entries = lives.flatMap((one, index) => publications(`slip-${index}`, one));
  entries.sort((a, b) => (a.published < b.published ? -1 : Number(a.published > b.published)));
  const seqs = new Map<Owner, number>();
  return entries.map(({ owner, recorded }) => {
    const seq = (seqs.get(owner) ?? 0) + 1;
    seqs.set(owner, seq);
    return { owner, source: owner, seq, recorded };
  });
}

const farAway = at(100_000);

/**
 * The latest time that rule 6 lets `owner` vouch for at `offset`: just before the earliest receipt that it publishes
 * about from there on. Other services' events do not hold it back, however far behind their reader is.
 */
function truthAt(log: ReturnType<typeof logOf>, owner: Owner, clock: string, offset: number): Instant {
  let least = farAway;
  for (const record of log.slice(offset)) {
    if (record.owner !== owner || record.recorded.clock !== clock) continue;
    const before = addMicros(record.recorded.receivedTime, -1n);
    if (before < least) least = before;
  }
  return least;
}

/** One turn: read something again, read on, hear some ticks, look. */
interface Turn {
  readonly again: number;
  readonly count: number;
  readonly ticks: readonly { readonly ahead: number; readonly owner: Owner; readonly clock: string }[];
  readonly detect: boolean;
}

const turn: fc.Arbitrary<Turn> = fc.record({
  again: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })),
  count: fc.integer({ min: 0, max: 4 }),
  ticks: fc.array(
    fc.record({
      ahead: fc.integer({ min: -3, max: 5 }),
      owner: fc.constantFrom<Owner>('gateway', 'gateway', 'ledger', 'intake'),
      clock: fc.constantFrom('wall', 'wall', 'import-1'),
    }),
    { maxLength: 4 },
  ),
  detect: fc.boolean(),
});

async function run(log: ReturnType<typeof logOf>, turns: readonly Turn[]): Promise<MemoryReconciliation> {
  const service = new MemoryReconciliation();
  let read = 0;
  const tick = (owner: Owner, clock: string, offset: number, closed = false) =>
    service.marks.note(owner, clock, 0, { time: truthAt(log, owner, clock, offset), offset, closed });
  for (const { again, count, ticks, detect } of turns) {
    const from = Math.max(0, read - again);
    await service.read(log.slice(from, read + count), from);
    read = Math.min(log.length, read + count);
    for (const { owner, clock, ahead } of ticks) {
      tick(owner, clock, Math.min(log.length, Math.max(0, read + ahead)));
    }
    if (!detect) continue;
    service.now = log[read]?.recorded.time ?? farAway;
    await service.detect();
  }
  await service.read(log.slice(read), read);
  service.now = farAway;
  for (const owner of ['gateway', 'ledger', 'intake'] as const) {
    for (const clock of ['wall', 'import-1']) tick(owner, clock, log.length, clock !== 'wall');
  }
  for (let round = 0; round < 6; round++) {
    await service.detect();
    // Long enough for every rung and every wait.
    service.now = addMs(service.now, 21_000);
    service.marks.note('gateway', 'wall', 0, { time: service.now, offset: log.length, closed: false });
  }
  return service;
}

/** Rule 6, said once more and differently: straight from the log, without watermarks. */
function expectedOverdue(log: readonly LogRecord[]): string[] {
  return log
    .flatMap(({ recorded }) => {
      if (recorded.event.type !== 'SlipSubmitted') return [];
      const { slipId } = recorded;
      const { deadline } = recorded.event.data;
      const ended = log.some(
        (other) =>
          other.recorded.slipId === slipId &&
          endsReturned(other.recorded.event) &&
          (other.recorded.receivedTime <= deadline ||
            (recorded.clock !== 'wall' && other.recorded.event.type === 'HoldRefused')),
      );
      return ended ? [] : [`overdue ${slipId} returned ${deadline}`];
    })
    .sort();
}

const of = (service: MemoryReconciliation, type: SlipEvent['type']) =>
  service.decided.filter(({ event }) => event.type === type);

test('verdicts are a function of the log: any reading, repetition and tick allowed by rule 6 gives the same ones', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 8 }),
      fc.array(turn, { maxLength: 20 }),
      async (lives, turns) => {
        const log = logOf(lives);
        const service = await run(log, turns);
        const overdue = of(service, 'SlipOverdue').map(({ id }) => id);
        expect(overdue.toSorted()).toEqual(expectedOverdue(log));
      },
    ),
    { numRuns: 500 },
  );
});

test('without proof nothing is concluded about a live slip, and every missed one ends with people or an answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 8 }),
      fc.array(turn, { maxLength: 20 }),
      async (lives, turns) => {
        const service = await run(logOf(lives), turns);
        expect(of(service, 'RefundRequested')).toEqual([]);
        for (const { clock, slipId } of of(service, 'SlipNotReturned')) {
          expect(clock).toBe('import-1');
          expect(
            lives[Number(slipId.slice(5))]!.returnMs === null ||
              lives[Number(slipId.slice(5))]!.hold !== 'held',
          ).toBe(true);
        }
        for (const [index, one] of lives.entries()) {
          const slip = service.slip(`slip-${index}`);
          if (one.clock !== 'wall') expect(slip).toBeUndefined();
          else if (slip?.verdict === 'overdue' && one.returnMs === null && one.hold !== 'refused') {
            expect(slip.state.case?.reason).toBe('inquiry_exhausted');
          } else if (slip) expect(slip.nextStep).toBeNull();
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a success reported after an in-time failure was refunded is a case, whether it is read at once or later', async () => {
  const story: LogRecord[] = [
    told(submitted(), at(0)),
    told(held, at(1)),
    told(intended(), at(2)),
    told(returned({ outcome: 'failed' }), at(3)),
    told(refunded, at(4)),
    told(returned(), at(30)),
  ].map((recorded, index) => ({ source: 'test', seq: index + 1, recorded }));
  for (const cut of [3, 4, 5, 6]) {
    const service = new MemoryReconciliation();
    await service.read(story.slice(0, cut), 0);
    await service.read(story.slice(cut), cut);
    expect(service.decided.map(({ event }) => event)).toMatchObject([
      { type: 'SlipDiagnosed', data: { cause: { code: 'provider_rejected' } } },
      { type: 'SlipDiagnosed', data: { cause: { remedy: expect.stringMatching(/^Do not repeat/) } } },
      { type: 'CaseOpened', data: { reason: 'late_success_after_refund' } },
      { type: 'CaseNoted', data: { code: 'correction_due' } },
    ]);
  }
});
