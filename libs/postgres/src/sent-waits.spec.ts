import { expect, test } from '@jest/globals';
import type { Lease } from './leases.ts';
import { SentWaits } from './sent-waits.ts';

const topic = 'test.events';
const place = (partition: number, seq: number) => ({ topic, partition, seq: BigInt(seq) });

/** Partition 0 is this process's own, sent up to 4; partition 1 is another's, and `sent` is what the database says of it. */
function setUp() {
  const lease: Lease = { topic, partition: 0, epoch: 1, sentSeq: 4n, endOffset: 9n, isStored: true };
  const world = { sent: 4, open: true, held: true, ms: 0, queries: 0 };
  const waits = new SentWaits(
    {
      query: async <Row>() => {
        world.queries++;
        return [{ topic, partition: 1, sent_seq: String(world.sent) }] as Row[];
      },
    },
    {
      get: (_, partition) => (partition === 0 && world.held ? lease : undefined),
      isHeld: () => world.held,
      isOpen: () => world.open,
    },
    {
      pollMs: 1,
      monotonicMs: () => world.ms,
      onError: (error) => {
        throw error;
      },
    },
  );
  const send = (seq: number) => {
    lease.sentSeq = BigInt(seq);
    waits.reached(lease);
  };
  return { waits, world, send };
}

/** Resolves when the waits have been looked at this often more. */
async function looks(world: { queries: number }, more: number): Promise<void> {
  const until = world.queries + more;
  while (world.queries < until) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('what was sent already is known without a wait', async () => {
  const { waits, world } = setUp();
  expect(await waits.watch()(place(0, 4), 1)).toBe(true);
  expect(world.queries).toBe(0);
});

test('an own record is known at its acknowledgement, and none behind it', async () => {
  const { waits, world, send } = setUp();
  const whenSent = waits.watch();
  const [five, six] = [whenSent(place(0, 5), 9), whenSent(place(0, 6), 9)];
  send(5);
  expect(await five).toBe(true);
  world.ms = 9;
  expect(await six).toBe(false);
});

test('an own record that was acknowledged while the lease had lapsed is known when it is held again', async () => {
  const { waits, world, send } = setUp();
  const five = waits.watch()(place(0, 5), 9);
  world.held = false;
  send(5);
  world.held = true;
  expect(await five).toBe(true);
});

test("another instance's record is known when its cursor says so", async () => {
  const { waits, world } = setUp();
  let known: boolean | undefined;
  const waiting = waits
    .watch()(place(1, 5), 9)
    .then((sent) => {
      known = sent;
    });
  await looks(world, 2);
  expect(known).toBeUndefined();
  world.sent = 5;
  await waiting;
  expect(known).toBe(true);
});

test('once the database may be another one, no number of the old one is taken for sent', async () => {
  const { waits, send } = setUp();
  const before = waits.watch();
  const waiting = before(place(0, 5), 9);
  waits.abandon();
  send(7);
  expect([await waiting, await before(place(0, 5), 9), await waits.watch()(place(0, 7), 9)]).toEqual([
    false,
    false,
    true,
  ]);
});

test('while a partition is closed, neither its cursor nor its lease says anything', async () => {
  const { waits, world, send } = setUp();
  const whenSent = waits.watch();
  const waiting = [whenSent(place(0, 5), 9), whenSent(place(1, 5), 9)];
  Object.assign(world, { open: false, held: false, sent: 5 });
  send(5);
  world.ms = 9;
  expect(await Promise.all(waiting)).toEqual([false, false]);
  expect(world.queries).toBe(0);
});
