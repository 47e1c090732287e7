import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeSlipEvent, stampEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { v7 } from 'uuid';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { createStageTeller } from '../src/application/stages/tell-late-stages.ts';
import { type DatabaseUnderTest, databaseUnderTest, type Instance } from './database-under-test.ts';
import { acknowledged, at, held, intended, policy, returned, settled, submitted, told } from './story.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
});
afterAll(() => database?.close());

interface OutboxRow {
  readonly key: string;
  readonly body: Buffer;
  readonly received_at: Instant;
}

const outbox = async (partition: number) => {
  const rows = await database.unitOfWork.query<OutboxRow>(
    'select key, body, received_at from outbox_event where partition = $1 order by seq',
    [partition],
  );
  const stamp = { sequence: '1', time: at(0), receivedTime: at(0) };
  return rows.map((row) => ({ ...row, event: decodeSlipEvent(stampEnvelope(row.body, stamp)) }));
};
const verdicts = async (partition: number) =>
  (await outbox(partition)).filter(({ event }) => event.event.type === 'SlipOverdue');
const story = (slipId: string, clock = 'wall', deadline = at(10)): RecordedEvent[] => [
  told(submitted({ deadline, mode: clock === 'wall' ? 'dispatched' : 'reported' }), at(0), { slipId, clock }),
  told(held, at(1), { slipId, clock }),
  told(intended(), at(2), { slipId, clock }),
];
const vouch = ({ marks }: Instance, partition: number, offset: number, time = at(20)) => {
  marks.note('gateway', 'wall', partition, { time, offset, closed: false });
  marks.note('ledger', 'wall', partition, { time, offset, closed: false });
};

test('an instance that lost the partition judges nothing; the one that has it judges each slip once', async () => {
  const slipIds = Array.from({ length: 50 }, () => v7());
  const first = await database.instance(0);
  await first.handle(slipIds.flatMap((slipId) => story(slipId)));
  const second = await database.instance(0);
  vouch(first, 0, 150);
  await first.detect();
  expect(await outbox(0)).toEqual([]);
  vouch(second, 0, 150);
  await Promise.all([first.detect(), second.detect()]);
  await second.detect();
  expect((await verdicts(0)).map(({ key }) => key).sort()).toEqual(slipIds.toSorted());
});

test('progress stops where a slip that is due waits for the ledger’s answer about its hold', async () => {
  const slipId = v7();
  const instance = await database.instance(7);
  await instance.handle(story(slipId).slice(0, 1));
  instance.marks.note('gateway', 'wall', 7, { time: at(20), offset: 1, closed: false });
  instance.marks.note('ledger', 'wall', 7, { time: at(5), offset: 1, closed: false });
  await instance.detect();
  expect(await verdicts(7)).toEqual([]);
  const judged = 'select judged_through from clock_progress where partition = 7';
  expect(await database.unitOfWork.query(judged)).toEqual([{ judged_through: at(5) }]);
  vouch(instance, 7, 1, at(21));
  await instance.detect();
  expect(await verdicts(7)).toHaveLength(1);
});

test('more slips than a page are judged, the oldest deadline first', async () => {
  const slipIds = Array.from({ length: 2_500 }, () => v7());
  const instance = await database.instance(1);
  await instance.handle(slipIds.flatMap((slipId, index) => story(slipId, 'wall', addMs(at(10), -index))));
  vouch(instance, 1, 7_500);
  await instance.detect();
  expect((await verdicts(1)).map(({ key }) => key)).toEqual(slipIds.toReversed());
});

test('the same log gives the same verdicts, byte for byte, wherever and whenever it is read', async () => {
  const slipIds = [v7(), v7()];
  for (const partition of [2, 3]) {
    const instance = await database.instance(partition);
    await instance.handle(slipIds.flatMap((slipId) => story(slipId)));
    vouch(instance, partition, 6, partition === 2 ? at(11) : at(99));
    await instance.detect();
    await database.unitOfWork.query('delete from open_slip where partition = $1', [partition]);
  }
  const [once, again] = [await verdicts(2), await verdicts(3)];
  expect(once).toHaveLength(2);
  expect(again.map(({ body }) => body)).toEqual(once.map(({ body }) => body));
  expect(again.map(({ received_at }) => received_at)).toEqual([at(10), at(10)]);
});

test('a batch costs the same few statements, however many slips it has', async () => {
  const instance = await database.instance(4);
  const whole = (slipId: string) => [
    ...story(slipId),
    told(acknowledged, at(3), { slipId }),
    told(returned(), at(4), { slipId }),
    told(settled, at(5), { slipId }),
  ];
  const before = database.statements();
  await instance.handle(Array.from({ length: 300 }, () => v7()).flatMap(whole));
  // The offset, the sequences and the outbox are three more.
  expect(database.statements() - before).toBeLessThanOrEqual(3);
  const left = await database.unitOfWork.query('select 1 from open_slip where partition = 4');
  expect(left).toEqual([]);
  const [counts] = await database.unitOfWork.query(
    "select slips, in_time, overdue from clock_progress where clock = 'wall' and partition = 4",
  );
  expect(counts).toEqual({ slips: '300', in_time: '300', overdue: '0' });
});

test('a slip reads back as it was written', async () => {
  const slipId = v7();
  const instance = await database.instance(5);
  for (const recorded of story(slipId)) await instance.handle([recorded]);
  vouch(instance, 5, 3);
  await instance.detect();
  await instance.handle([
    told(returned({ amount: { amount: 9_007_199_254_740_993n, currency: 'EUR' } }), at(30), { slipId }),
  ]);
  const types = (await outbox(5)).map(({ event }) => event.event.type);
  expect(types).toEqual([
    'SlipOverdue',
    'InquiryRequested',
    'SlipDiagnosed',
    'LateReturnFound',
    'CaseOpened',
  ]);
});

describe('a slip behind a dead letter', () => {
  const park = (partition: number, slipId: string) =>
    database.unitOfWork.query(
      'insert into parked_key (consumer_group, topic, partition, key) values ($1, $2, $3, $4)',
      [subscription.group, subscription.topic, partition, slipId],
    );

  test('is not asked about and not concluded', async () => {
    const [parked, other] = [v7(), v7()];
    const instance = await database.instance(8);
    await instance.handle([...story(parked), ...story(other)]);
    vouch(instance, 8, 6);
    await instance.detect();
    const before = (await outbox(8)).length;
    await park(8, parked);
    await database.unitOfWork.query('update open_slip set next_step_at = $1 where partition = 8', [at(11)]);
    await instance.detect();
    const asked = (await outbox(8)).slice(before);
    expect(asked.map(({ key, event }) => [key, event.event.type])).toEqual([[other, 'InquiryRequested']]);
  });

  test('holds no imported clock back, and stays when it ends', async () => {
    const [due, overdue, missed] = [v7(), v7(), v7()];
    const clock = 'import-2';
    const instance = await database.instance(9);
    await instance.handle([due, overdue, missed].flatMap((slipId) => story(slipId, clock)));
    const tick = (closed: boolean) => {
      for (const owner of ['gateway', 'intake'] as const) {
        instance.marks.note(owner, clock, 9, { time: at(100), offset: 9, closed });
      }
    };
    await park(9, due);
    tick(false);
    await instance.detect();
    expect((await verdicts(9)).map(({ key }) => key).sort()).toEqual([overdue, missed].sort());
    await park(9, overdue);
    tick(true);
    await instance.detect();
    const concluded = (await outbox(9)).filter(({ event }) => event.event.type === 'SlipNotReturned');
    expect(concluded.map(({ key }) => key)).toEqual([missed]);
    const kept = await database.unitOfWork.query(
      'select o.slip_id, p.concluded from open_slip o join clock_progress p using (clock, partition) where clock = $1',
      [clock],
    );
    expect(kept).toHaveLength(2);
    expect(kept).toEqual(
      expect.arrayContaining([due, overdue].map((slipId) => ({ slip_id: slipId, concluded: true }))),
    );
  });
});

test('an imported clock waits for the ledger’s answers before it ends', async () => {
  const [waiting, missed] = [v7(), v7()];
  const clock = 'import-1';
  const instance = await database.instance(6);
  await instance.handle([story(waiting, clock)[0]!, ...story(missed, clock)]);
  for (const owner of ['gateway', 'intake'] as const) {
    instance.marks.note(owner, clock, 6, { time: at(100), offset: 4, closed: true });
  }
  const ended = async () => {
    await instance.detect();
    const [row] = await database.unitOfWork.query<{ concluded: boolean }>(
      'select concluded from clock_progress where clock = $1',
      [clock],
    );
    return row!.concluded;
  };
  expect(await ended()).toBe(false);
  expect((await verdicts(6)).map(({ key }) => key)).toEqual([missed]);
  await instance.handle([told(held, at(1), { slipId: waiting, clock })]);
  expect(await ended()).toBe(true);
  const concluded = (await outbox(6)).filter(({ event }) => event.event.type === 'SlipNotReturned');
  expect(concluded.map(({ key }) => key).sort()).toEqual([waiting, missed].sort());
  expect(concluded.map(({ received_at }) => received_at)).toEqual([at(100), at(100)]);
});

test('a row that the release before moved on is told of by what it has become, and keeps no other waiting', async () => {
  const limits = { warnMs: 0, actMs: 1_000 };
  const stages = { submitted: null, review: null, held: limits, dispatching: null, returned: null };
  const at9 = 9;
  const instance = await database.instance(at9);
  const slipIds = Array.from({ length: 60 }, () => v7()).sort();
  const terms = submitted({ deadline: at(100), policy: { ...policy, stages } });
  // The last five are held, all others went on to their provider.
  const story = slipIds.flatMap((slipId, n) => [
    told(terms, at(0), { slipId }),
    told(held, at(1), { slipId }),
    ...(n < 55 ? [told(intended(), at(2), { slipId })] : []),
  ]);
  await instance.handle(story);
  await database.unitOfWork.query('update open_slip set late_at = $2 where slip_id = any($1::text[])', [
    slipIds,
    at(2),
  ]);
  const { marks } = instance;
  vouch(instance, at9, story.length, at(20));
  const counted: string[] = [];
  const tell = createStageTeller({
    ...{ marks, lookout: database.lookout, clocks: () => ({ trouble: null, spreadMs: 0 }), stalls: () => [] },
    owned: {
      nextOffsets: () => new Map([[at9, story.length]]),
      inPartition: (_, work) =>
        database.unitOfWork.run(async (tx) => work(database.unit(tx))).then(() => true),
    },
    quiet: { lateStages: () => [], saidLate: () => {} },
    stageLateId: () => v7(),
    publish: async () => true,
    told: (stage, point) => counted.push(`${stage} ${point}`),
  });
  for (let round = 0; round < 3; round++) await tell();
  expect(counted).toEqual(Array(5).fill('held act'));
  const late = (await outbox(at9)).filter(({ event }) => event.event.type === 'StageLate');
  expect(late.map(({ key }) => key).sort()).toEqual(slipIds.slice(55));
  const waiting = await database.unitOfWork.query(
    'select slip_id from open_slip where slip_id = any($1::text[]) and late_at is not null',
    [slipIds],
  );
  expect(waiting).toEqual([]);
});
