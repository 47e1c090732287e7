import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { partitionsDefault } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant, instantFromMs } from '@slipstream/kernel';
import type { PendingOpsEvent } from '@slipstream/slip';
import { createIncidentReads } from '../src/adapters/postgres/incident-reads.ts';
import { changedIncidents, incidentsTurn } from '../src/adapters/postgres/incident-store.ts';
import { createIncidentsWatch } from '../src/application/incidents/watch-incidents.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
}, 120_000);
afterAll(() => database?.close());
beforeEach(() => database.unitOfWork.query('truncate missed_slip, incident, clock_progress'));

const now = instantFromMs(Date.now());
const hourMs = 3_600_000;

/** Missed just now, whenever it was dispatched. */
const miss = (slipId: string, at: Instant) =>
  database.unitOfWork.query(
    `insert into missed_slip (slip_id, partition, side, provider, route, kind, at, deadline, fate, has_open_case)
     values ($1, 0, 'acme', 'acme', 'default', 'order', $2, $2, 'open', false)`,
    [slipId, at],
  );

const judge = (partition: number) =>
  database.unitOfWork.query(
    "insert into clock_progress (clock, partition, judged_through) values ('wall', $1, $2)",
    [partition, now],
  );

async function slots(): Promise<number> {
  const turn = (tx: Parameters<typeof incidentsTurn>[0]) =>
    incidentsTurn(tx, { warningId: () => '' }, () => {});
  const evidence = await database.unitOfWork.run((tx) => turn(tx).evidence());
  return evidence.slots.get('acme')?.length ?? 0;
}

test('nothing is missed for an incident before every partition has judged', async () => {
  await miss('a', addMs(now, -hourMs));
  for (let partition = 1; partition < partitionsDefault; partition++) await judge(partition);
  expect(await slots()).toBe(0);
  await judge(0);
  expect(await slots()).toBe(1);
});

test('what is so old that its dispatches are not counted any more is no evidence, however old an open incident is', async () => {
  for (let partition = 0; partition < partitionsDefault; partition++) await judge(partition);
  await database.unitOfWork.query(
    "insert into incident (id, side, since, until) values ('old', 'acme', $1, $1)",
    [addMs(now, -72 * hourMs)],
  );
  await miss('a', addMs(now, -71 * hourMs));
  await miss('b', addMs(now, -hourMs));
  expect(await slots()).toBe(1);
});

describe('a bulk of our own trouble', () => {
  /** Submitted so long ago, and withheld so long ago. */
  const withhold = (slipId: string, agoMs: number, withheldAgoMs: number) =>
    database.unitOfWork.query(
      `insert into missed_slip (slip_id, partition, side, route, kind, currency, amount, at, deadline, fate, has_open_case,
         withheld_at, missed_at)
       values ($1, 0, '', 'default', 'order', 'EUR', 1250, $2, $2, 'open', true, $3, $3)`,
      [slipId, addMs(now, -agoMs), addMs(now, -withheldAgoMs)],
    );
  const release = (pattern: string) =>
    database.unitOfWork.query(
      `update missed_slip set fate = 'refunded', has_open_case = false, changed_at = clock_timestamp() where slip_id like $1`,
      [pattern],
    );
  const watching = () => {
    const told: PendingOpsEvent[] = [];
    const round = createIncidentsWatch({
      store: {
        isOurs: () => true,
        changed: () => changedIncidents(database.unitOfWork),
        inTurn: async (work) => {
          await database.unitOfWork.run((tx) =>
            work(incidentsTurn(tx, { warningId: () => '' }, (events) => void told.push(...events))),
          );
          return true;
        },
      },
      newId: () => `incident-${told.length}`,
      log: () => {},
    });
    const types = () => told.map(({ event, subject }) => [event.type, subject]);
    return { round, told, types };
  };

  test('is one incident of few slips far apart, which is over with its last case, and told once', async () => {
    const { round, told, types } = watching();
    await withhold('a-1', 40 * hourMs, hourMs);
    await withhold('a-2', 30 * hourMs, hourMs - 300_000);
    await round();
    expect(types()).toEqual([['IncidentOpened', 'incident-0']]);
    expect(told[0]!.event.data).toMatchObject({
      ...{ provider: null, slips: 2, atRisk: [{ amount: 2_500n, currency: 'EUR' }] },
    });
    const view = () => createIncidentReads(database.unitOfWork).incident('incident-0');
    expect(await view()).toMatchObject({
      ...{ status: 'open', counts: { slips: 2, open: 2, openCases: 2, withheld: 2, refunded: 0 } },
      heldAmount: [{ amount: 2_500n, currency: 'EUR' }],
    });
    // What is withheld soon after it is of the same, though submitted after all others.
    await withhold('a-3', 20 * hourMs, hourMs - 600_000);
    await release('a-1');
    await round();
    expect(told).toHaveLength(1);
    expect((await view())?.counts).toMatchObject({ slips: 3, withheld: 2, refunded: 1 });
    await release('a-%');
    for (let n = 0; n < 3; n++) await round();
    expect(types().slice(1)).toEqual([['IncidentClosed', 'incident-0']]);
    expect(told[1]!.event.data).toMatchObject({ slips: 3, refunded: 3, mergedInto: null });
    expect((await view())?.status).toBe('closed');
  });

  test('is another one when it comes later', async () => {
    const { round, types } = watching();
    await withhold('a', 3 * hourMs, 2 * hourMs);
    await withhold('b', 2 * hourMs, hourMs);
    await round();
    expect(types().map(([type]) => type)).toEqual(['IncidentOpened', 'IncidentOpened']);
  });
});
