import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { addMs, type Instant } from '@slipstream/kernel';
import { waitFor } from '@slipstream/testing';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { type Refused, receiveResults } from '../src/application/receive-results.ts';
import { newSweep, releaseParked } from '../src/application/release-parked.ts';
import { anythingOpen, readBounds } from '../src/application/watermark-bounds.ts';
import type { ReportedResult } from '../src/domain/result/reported-result.ts';
import { fundsHeld, holdRefused, recorded, submitted } from './support/events.ts';
import { Harness } from './support/harness.ts';

const environment = sharedEnvironment();
const t0: Instant = '2017-05-01T00:00:00.000000Z';
const clock = 'import-1';

let gateway: Harness;
beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
});
afterEach(() => gateway.stop());

let position = 0;

function result(
  reference: string,
  step: ReportedResult['step'],
  more: Partial<ReportedResult> = {},
): ReportedResult {
  position += 1;
  return {
    caller: 'importer',
    id: v7(),
    reference,
    clock,
    receivedAt: addMs(t0, position * 1_000),
    position,
    step,
    outcome: step === 'returned' ? 'succeeded' : null,
    progress: step === 'progressed' ? 'shipped' : '',
    reason: null,
    amount: null,
    providerReference: null,
    providerTime: null,
    ...more,
  };
}

class GivenUp extends Error {
  readonly refused: readonly Refused[];
  constructor(refused: readonly Refused[]) {
    super(refused.map(({ detail }) => detail).join('; '));
    this.refused = refused;
  }
}

/** As the consumer does: a refused batch is rolled back. */
function report(...results: ReportedResult[]): Promise<void> {
  return gateway.store.run(async (tx) => {
    const refused = await receiveResults(tx, { results, marks: [] }, gateway.count);
    if (refused.length > 0) throw new GivenUp(refused);
  });
}

function submit(reference: string, more: Parameters<typeof submitted>[0] = {}, on = clock) {
  const slipId = v7();
  const event = submitted({ caller: 'importer', reference, mode: 'reported', provider: null, ...more });
  const of = { clock: on };
  return { slipId, submit: recorded(slipId, event, of), hold: recorded(slipId, fundsHeld, of) };
}

const raise = (error: unknown) => {
  throw error;
};

async function parked(): Promise<{ reference: string; orphan_at: string | null }[]> {
  return gateway.unitOfWork.query('select reference, orphan_at from parked_result');
}

describe('a reported result', () => {
  test('about a held slip is told at once, with the reporter’s time as its receipt', async () => {
    const slip = submit('r1');
    await gateway.feed(slip.submit, slip.hold);
    const returned = result('r1', 'returned', {
      outcome: 'failed',
      reason: 'AC04',
      amount: { amount: 5n, currency: 'BRL' },
    });
    await report(result('r1', 'acknowledged'), result('r1', 'progressed'), returned);
    expect(await gateway.types(slip.slipId)).toEqual(['SlipAcknowledged', 'SlipProgressed', 'SlipReturned']);
    const [, , last] = await gateway.log(slip.slipId);
    expect(last).toMatchObject({
      receivedTime: returned.receivedAt,
      clock,
      event: {
        data: {
          evidence: 'report',
          outcome: 'failed',
          reason: 'AC04',
          amount: { amount: 5n, currency: 'BRL' },
        },
      },
    });
  });

  test('waits for its slip and for the hold, and is told in the order of receipt', async () => {
    const [returned, acknowledged] = [result('r1', 'returned'), result('r1', 'acknowledged')];
    await report({ ...returned, receivedAt: addMs(acknowledged.receivedAt, 10) });
    const slip = submit('r1');
    await gateway.feed(slip.submit);
    await report(acknowledged);
    expect(await parked()).toHaveLength(2);
    await gateway.feed(slip.hold);
    expect(await gateway.types(slip.slipId)).toEqual(['SlipAcknowledged', 'SlipReturned']);
    expect(await parked()).toEqual([]);
  });

  test('is told once, however often it comes', async () => {
    const slip = submit('r1');
    const [one, two] = [result('r1', 'acknowledged'), result('r1', 'returned')];
    await report(one, two, one);
    await report(two);
    await gateway.feed(slip.submit, slip.hold);
    await report(one, two);
    expect(await gateway.types(slip.slipId)).toEqual(['SlipAcknowledged', 'SlipReturned']);
  });

  test('of a refused slip is dropped', async () => {
    const slip = submit('r1');
    await report(result('r1', 'returned'));
    await gateway.feed(slip.submit, recorded(slip.slipId, holdRefused, { clock }));
    await report(result('r1', 'acknowledged'));
    expect(await gateway.types(slip.slipId)).toEqual([]);
    expect(await parked()).toEqual([]);
    expect(gateway.counted.get('dropped_result')).toBe(2);
  });

  test('of a refused slip that lives now is set aside for people, and so is what does not fit', async () => {
    const live = { clock: 'wall' };
    const refused = submit('r1', {}, 'wall');
    await report(result('r1', 'returned', live));
    await gateway.feed(refused.submit, recorded(refused.slipId, holdRefused));
    await report(result('r1', 'acknowledged', live));
    expect(await gateway.types(refused.slipId)).toEqual([]);
    // They hold nothing back.
    expect(await gateway.store.run((tx) => tx.parked.oldest())).toEqual(new Map());
    // This one comes before its slip, about which nobody may report.
    await report(result('r2', 'returned', live));
    await gateway.slip({ caller: 'importer', reference: 'r2' });
    const filter = { kind: 'report', reason: null, sender: null } as const;
    const { data } = await gateway.store.run((tx) => tx.unmatched(filter, null, 10));
    expect(data.map(({ reference, reason }) => `${reference} ${reason}`)).toEqual([
      'r1 refused_slip',
      'r1 refused_slip',
      'r2 misfit',
    ]);
  });

  test('about a slip on another clock, or one that is dispatched here, is refused', async () => {
    const slip = submit('r1');
    await gateway.feed(slip.submit, slip.hold);
    await gateway.slip({ caller: 'importer', reference: 'r2' });
    const good = result('r1', 'returned');
    await expect(report(good, result('r1', 'returned', { clock: 'wall' }))).rejects.toMatchObject({
      refused: [{ index: 1, detail: expect.stringContaining('clock') }],
    });
    await expect(report(good, result('r2', 'returned', { clock: 'wall' }))).rejects.toMatchObject({
      refused: [{ index: 1, detail: expect.stringContaining('dispatched') }],
    });
    await expect(report(result('r3', 'returned', { outcome: null }))).rejects.toThrow('outcome');
    expect(await gateway.types(slip.slipId)).toEqual([]);
  });

  test('that was parked while the hold was read is found by the sweeper', async () => {
    const slip = submit('r1');
    await gateway.feed(slip.submit, slip.hold);
    const one = result('r1', 'returned');
    await gateway.store.run((tx) => tx.parked.add([one]));
    await gateway.startWorkers([]);
    await gateway.event(slip.slipId, 'SlipReturned');
    expect(await parked()).toEqual([]);
  });

  test('that cannot be told holds up no other, however many results are swept', async () => {
    const [poison, ...others] = Array.from({ length: 3 }, (_, index) => submit(`r${index}`));
    await gateway.feed(...[poison!, ...others].flatMap((slip) => [slip.submit, slip.hold]));
    const huge = result('r0', 'returned', { reason: 'x'.repeat(100_000) });
    const waiting = Array.from({ length: 1_000 }, (_, index) => result(`a${index}`, 'returned'));
    await gateway.store.run((tx) =>
      tx.parked.add([...waiting, huge, result('r1', 'returned'), result('r2', 'returned')]),
    );
    const sweep = newSweep();
    const untold: unknown[] = [];
    const once = () =>
      releaseParked(gateway.store, [], gateway.count, (error) => void untold.push(error), sweep);
    expect(await once()).toBe(0);
    // Told about, and no failure of the round: an instance is ready however long one slip's results cannot be told.
    expect([await once(), untold.length]).toEqual([2, 1]);
    for (const slip of others) expect(await gateway.types(slip.slipId)).toEqual(['SlipReturned']);
    expect(await once()).toBe(0);
    expect([await once(), untold.length]).toEqual([0, 2]);
  });

  test('becomes an orphan once intake’s watermark has passed it and has been read', async () => {
    const [old, young] = [result('gone', 'returned'), result('young', 'returned')];
    await report(old, young);
    const tick = { clock, marks: [{ partition: 0, time: old.receivedAt, offset: 7n }] };
    await releaseParked(gateway.store, [tick], gateway.count, raise);
    expect((await parked()).filter((row) => row.orphan_at !== null)).toEqual([]);
    await gateway.unitOfWork.query(
      "insert into consumer_position (consumer_group, topic, partition, next_offset) values ('provider-gateway', 'slips.events.v1', 0, 7)",
    );
    await releaseParked(gateway.store, [tick], gateway.count, raise);
    expect((await parked()).filter((row) => row.orphan_at !== null).map((row) => row.reference)).toEqual([
      'gone',
    ]);
    expect(gateway.counted.get('orphan_result')).toBe(1);
  });

  test('that was called an orphan is told when its slip comes all the same, however late', async () => {
    const [imported, live] = [result('gone', 'returned'), result('late', 'returned', { clock: 'wall' })];
    await report(imported, live, result('late', 'progressed', { clock: 'wall' }));
    await gateway.unitOfWork.query('update parked_result set orphan_at = clock_timestamp()');
    const [old, young] = [submit('gone'), submit('late', {}, 'wall')];
    for (const slip of [old, young]) await gateway.feed(slip.submit, slip.hold);
    expect(await parked()).toEqual([]);
    expect(await gateway.log(old.slipId)).toMatchObject([
      { event: { type: 'SlipReturned' }, receivedTime: imported.receivedAt },
    ]);
    // The watermark has vouched for the time at which it came: it counts from when it was taken up.
    const told = await gateway.log(young.slipId);
    expect(told.map(({ event }) => event.type)).toEqual(['SlipReturned']);
    expect(told[0]!.receivedTime).toBe(told[0]!.time);
  });
});

describe('watermarks', () => {
  const upstream = new Map([
    ['wall', { times: new Map([[0, '2026-11-22T10:00:00.000000Z']]), closed: false }],
    [clock, { times: new Map([[0, addMs(t0, 86_400_000)]]), closed: true }],
  ]);
  const bounds = () =>
    gateway.store.run((tx) =>
      readBounds(tx, { resultsHandledTo: '2026-11-22T11:00:00.000000Z', partitionsOfResults: 12, upstream }),
    );
  const advance = (partitions: number, time: Instant, closed = false) =>
    gateway.store.run((tx) =>
      receiveResults(
        tx,
        {
          results: [],
          marks: Array.from({ length: partitions }, (_, partition) => ({ clock, partition, time, closed })),
        },
        gateway.count,
      ),
    );

  test('of a named clock follow its marks, stop before a parked result, and close', async () => {
    await advance(11, addMs(t0, 500));
    expect((await bounds()).map((bound) => bound.clock)).toEqual(['wall']);
    await advance(12, addMs(t0, 500));
    await advance(3, t0);
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: addMs(t0, 500), closed: false }),
    );
    expect(await gateway.store.run(anythingOpen)).toBe(true);
    await advance(12, addMs(t0, 86_400_000), true);
    await report(result('r1', 'returned', { receivedAt: addMs(t0, 600) }));
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: '2017-05-01T00:00:00.599999Z', closed: false }),
    );
    const slip = submit('r1');
    await gateway.feed(slip.submit, slip.hold);
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: addMs(t0, 86_400_000), closed: true }),
    );
    expect(await gateway.store.run(anythingOpen)).toBe(false);
  });

  test('are not held back by a slip whose hold lies with the dead letters, and its result is told when that is redriven', async () => {
    await advance(12, addMs(t0, 86_400_000));
    const [dead, live] = [submit('dead'), submit('live')];
    await gateway.feed(dead.submit, live.submit);
    await report(result('dead', 'returned', { receivedAt: addMs(t0, 600) }));
    await report(result('live', 'returned', { receivedAt: addMs(t0, 700) }));
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: '2017-05-01T00:00:00.599999Z', closed: false }),
    );
    await gateway.unitOfWork.query(
      "insert into parked_key (consumer_group, topic, partition, key) values ('provider-gateway', 'slips.events.v1', 3, $1)",
      [dead.slipId],
    );
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: '2017-05-01T00:00:00.699999Z', closed: false }),
    );
    await gateway.feed(live.hold);
    expect(await bounds()).toContainEqual(
      expect.objectContaining({ clock, time: addMs(t0, 86_400_000), closed: false }),
    );
    await gateway.feed(dead.hold);
    expect(await gateway.types(dead.slipId)).toEqual(['SlipReturned']);
  });

  test('are frequent while a slip is open on the wall clock', async () => {
    expect(await gateway.store.run(anythingOpen)).toBe(false);
    await gateway.slip();
    expect(await gateway.store.run(anythingOpen)).toBe(true);
  });
});

test('property: results and the slip’s own events in any interleaving, with repeats, end in the same story', async () => {
  const orders = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
  const repeats = fc.array(fc.nat(2), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(orders, repeats, async (order, again) => {
      const reference = `r-${v7()}`;
      const slip = submit(reference);
      const words = [
        result(reference, 'acknowledged'),
        result(reference, 'progressed'),
        result(reference, 'returned'),
      ];
      // 0-2: the results, in any order; 3 and 4: SlipSubmitted and FundsHeld, always in this order.
      let fed = 0;
      for (const step of order) {
        if (step < 3) await report(words[step]!);
        else await gateway.feed(fed++ === 0 ? slip.submit : slip.hold);
      }
      for (const index of again) await report(words[index]!);
      const types = await gateway.types(slip.slipId);
      expect(types.filter((type) => type === 'SlipReturned')).toHaveLength(1);
      expect(new Set(types).size).toBe(types.length);
      const returned = (await gateway.log(slip.slipId)).find((event) => event.event.type === 'SlipReturned');
      expect(returned?.receivedTime).toBe(words[2]!.receivedAt);
      expect(await gateway.row(slip.slipId)).toMatchObject({ status: 'returned', outcome: 'succeeded' });
    }),
    { numRuns: 40 },
  );
  await waitFor(async () => (await parked()).length === 0, {
    what: 'nothing to be parked',
  });
});
