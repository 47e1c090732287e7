import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeSlipEvent, stampEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import fc from 'fast-check';
import { v7 } from 'uuid';
import type { QuietLimits } from '../src/adapters/kafka/quiet-lane.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';
import { type Death, type Lane, MemoryAndRows, prepareLanes, rowsAlone } from './lanes-under-test.ts';
import { PartitionLog } from './partition-log.ts';
import {
  acknowledged,
  answered,
  at,
  held,
  intended,
  notSent,
  progressed,
  refunded,
  refused,
  returned,
  settled,
  submitted,
  unanswered,
} from './story.ts';

const environment = sharedEnvironment();
const partitions = 4_000;
let rows: DatabaseUnderTest;
let memory: DatabaseUnderTest;
beforeAll(async () => {
  rows = await databaseUnderTest(environment().databaseUrl);
  memory = await databaseUnderTest(environment().databaseUrl);
  for (const { unitOfWork } of [rows, memory]) await prepareLanes(unitOfWork, partitions);
});
afterAll(async () => {
  await rows?.close();
  await memory?.close();
});

/** Steps far apart: none but the first is taken while a life is told. */
const policy = { graceMs: 0, quietPeriodMs: 2_000, inquiryLadderMs: [0, 36_000_000] };
const euros = (amount: bigint) => ({ amount: { amount, currency: 'EUR' } });
const any = (...events: readonly SlipEvent[]) => fc.constantFrom(...events);
const ordinary = any(
  held,
  held,
  intended(),
  acknowledged,
  progressed,
  returned(),
  returned(euros(1250n)),
  settled,
  settled,
);
const awkward = any(
  ...[refused, notSent(), unanswered(), refunded, answered(1, 'not_found'), answered(1, 'never_sent', true)],
  ...[returned({ outcome: 'failed', reason: 'no' }), returned({ outcome: 'void' }), returned(euros(7n))],
  ...[returned({ amount: { amount: 1250n, currency: 'USD' } }), intended(2)],
  ...[{ type: 'SlipRejected', data: { caller: 'shop', reference: 'r', rule: 'x', detail: '' } } as SlipEvent],
);
const beginning = fc
  .record({
    graceMs: fc.constantFrom(0, 0, 1_500),
    mode: fc.constantFrom('dispatched', 'dispatched', 'reported'),
    amount: fc.constantFrom({ amount: 1250n, currency: 'EUR' }, null, { amount: 2n ** 60n, currency: 'EUR' }),
    deadline: fc.integer({ min: 5, max: 15 }).map(at),
  })
  .map(({ graceMs, ...data }) => submitted({ ...data, policy: { ...policy, graceMs } } as never));

/** What happens next: to which slip, when it was received, and how long after what came before. */
const told = fc.record({
  what: fc.constant('told' as const),
  slip: fc.nat({ max: 4 }),
  event: fc.oneof(
    { weight: 5, arbitrary: ordinary },
    { weight: 1, arbitrary: awkward },
    { weight: 1, arbitrary: beginning },
  ),
  receivedBefore: fc.constantFrom(0, 0, 0, 3_000),
});
const read = fc.record({
  what: fc.constant('read' as const),
  death: fc.constantFrom<Death | null>(null, null, 'before', 'within', 'after'),
});
const judge = fc.record({
  what: fc.constant('judge' as const),
  until: fc.integer({ min: 0, max: 30 }),
  holds: fc.boolean(),
});
const step = fc.oneof(
  { weight: 8, arbitrary: told },
  { weight: 3, arbitrary: read },
  { weight: 1, arbitrary: judge },
);
const life = fc.record({
  imported: fc.nat({ max: 4 }),
  first: fc.array(beginning, { minLength: 5, maxLength: 5 }),
  steps: fc.array(step, { minLength: 5, maxLength: 45 }),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

/** What is on the database's clock, and ids that were made up, differ from run to run. */
function masked(value: unknown): unknown {
  const text = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one));
  return JSON.parse(
    text
      .replaceAll(/20\d\d-\d\d-\d\dT[\d:.]+Z/g, (one) => (one.startsWith('2026-11-22') ? one : 'now'))
      .replaceAll(/"id-\d+"/g, '"made up"'),
  );
}

async function outcome({ unitOfWork }: DatabaseUnderTest, partition: number): Promise<unknown> {
  const table = (name: string, columns: string) =>
    unitOfWork.query(
      `select slip_id, ${columns}, state::json as state, observations::json as observations from ${name} where partition = $1 order by slip_id`,
      [partition],
    );
  const published = await unitOfWork.query<{ key: string; body: Buffer; received_at: Instant }>(
    'select key, body, received_at from outbox_event where partition = $1 order by key, seq',
    [partition],
  );
  const stamp = { sequence: '1', time: at(0), receivedTime: at(0) };
  return masked({
    open: await table('open_slip', 'clock, deadline, due_at, verdict, awaits_hold, next_step'),
    archived: await table('archived_slip', 'verdict'),
    counts: await unitOfWork.query(
      'select clock, slips, in_time, overdue, not_returned from clock_progress where partition = $1 order by clock',
      [partition],
    ),
    events: published.map(({ key, body, received_at }) => {
      const { event, clock } = decodeSlipEvent(stampEnvelope(body, stamp));
      return { key, clock, event, received_at };
    }),
  });
}

/** Lives the same life on both sides. */
async function live({ imported, first, steps }: Life, partition: number, limits: Partial<QuietLimits>) {
  const log = new PartitionLog();
  const slow = await rowsAlone(rows.unitOfWork, partition, log);
  const fast = await new MemoryAndRows(memory.unitOfWork, partition, log, limits).start();
  const slipIds = first.map(() => v7());
  let seconds = 0;
  const over = new Set<number>();
  const tell = (slip: number, event: SlipEvent, receivedBefore = 0) => {
    // A slip that begins anew when it is over is another slip to rows, or is not, as batches happen to end. Of an imported
    // one nothing is expected behind its return.
    if (event.type === 'SlipSubmitted' && over.has(slip)) return;
    const ends = [
      'SlipSettled',
      'HoldRefused',
      'SlipRejected',
      ...(slip === imported ? ['SlipReturned'] : []),
    ];
    if (ends.includes(event.type)) over.add(slip);
    seconds += 0.4;
    const clock = slip === imported ? 'import-1' : 'wall';
    const time = at(seconds);
    log.append({ slipId: slipIds[slip]!, event, clock, time, receivedTime: addMs(time, -receivedBefore) });
  };
  for (const [slip, event] of first.entries()) tell(slip, event);
  for (const one of [
    ...steps,
    { what: 'read', death: null } as const,
    { what: 'judge', until: 60, holds: true } as const,
  ]) {
    if (one.what === 'told') tell(one.slip, one.event, one.receivedBefore);
    else if (one.what === 'read') await readBoth(slow, fast, log.end, one.death);
    else await judgeBoth([slow, fast], fast.nextOffset, at(one.until), one.holds);
  }
  await fast.writeAll(slipIds);
  return fast;
}

async function readBoth(slow: Lane, fast: MemoryAndRows, end: number, death: Death | null): Promise<void> {
  if (fast.nextOffset === end) return;
  await slow.readTo(end);
  await fast.readTo(end, death);
  if (fast.nextOffset < end) await fast.readTo(end);
}

async function judgeBoth(
  lanes: readonly Lane[],
  offset: number,
  time: Instant,
  holds: boolean,
): Promise<void> {
  for (const lane of lanes) {
    for (const clock of ['wall', 'import-1']) {
      for (const owner of ['intake', 'gateway', ...(holds ? (['ledger'] as const) : [])] as const) {
        lane.marks.note(owner, clock, currentPartition, { time, offset, closed: false });
      }
    }
    await lane.detect();
  }
}
let currentPartition = 0;

describe('slips in memory and in rows', () => {
  test('come to the same verdicts, rows, counts and events as rows alone, whatever happens and wherever a process dies', async () => {
    let hot = 0;
    await fc.assert(
      // In a third of the lives memory is full from the start: there is the room that it begins with, or none is left at all.
      fc.asyncProperty(
        life,
        fc.constantFrom(1, 7, 1_000),
        fc.constantFrom(
          ...[{}, {}, {}, {}, { hotBytesMax: 0 }, { hotBytesMax: 0, freeShare: 1 }],
        ) as fc.Arbitrary<Partial<QuietLimits>>,
        async (one, snapshotRecords, room) => {
          currentPartition += 1;
          const partition = currentPartition;
          hot = Math.max(hot, (await live(one, partition, { snapshotRecords, ...room })).hotMax);
          expect(await outcome(memory, partition)).toEqual(await outcome(rows, partition));
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true },
    );
    expect(hot).toBeGreaterThan(2);
  }, 300_000);
});
