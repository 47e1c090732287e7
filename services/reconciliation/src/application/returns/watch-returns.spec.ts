import { describe, expect, test } from '@jest/globals';
import { instantFromMs } from '@slipstream/kernel';
import type { PendingOpsEvent } from '@slipstream/slip';
import { type ReturnsSettings, slotMs } from '../../domain/returns/settings.ts';
import type { KeptReturns, ReturnsStore } from './ports.ts';
import { type SlotStep, Tally } from './tally.ts';
import { createReturnsWatch } from './watch-returns.ts';

const settings: ReturnsSettings = {
  ...{ slipsMin: 100, falseAlarmEveryDays: 3_650, halfLifeMs: 3_600_000 },
  ...{ pauseShare: 0.1, slowerTimes: 2, lostShare: 0.05 },
};
const start = 1_800_000_000_000;
const second = 1_000;

/** The database, and how far all partitions were read. */
class Store implements ReturnsStore {
  readonly rows: SlotStep[][] = [];
  readonly published: PendingOpsEvent[] = [];
  kept: KeptReturns | null = null;
  through = start;
  ours = true;
  /** The next transaction is lost with its commit. */
  dies = false;
  /** Steps that were given out. */
  read = 0;

  isOurs = () => this.ours;
  anySteps = async (after: number, through: number) =>
    this.rows.flat().some(({ slot }) => slot > after && slot <= through);
  readThrough = async () => instantFromMs(this.through);

  async inTurn(work: Parameters<ReturnsStore['inTurn']>[0]): Promise<boolean> {
    if (!this.ours) return false;
    let kept: KeptReturns | null = null;
    const published: PendingOpsEvent[] = [];
    await work({
      keptAfter: async (version) =>
        this.kept && this.kept.version > version ? structuredClone(this.kept) : null,
      steps: async (after, through) => {
        const steps = this.rows
          .flat()
          .filter(({ slot }) => slot > after && slot <= through)
          .sort((a, b) => a.slot - b.slot);
        this.read += steps.length;
        return steps;
      },
      keep: (state) => {
        kept = structuredClone(state);
      },
      publish: (events) => published.push(...events),
    });
    if (this.dies) {
      this.dies = false;
      throw new Error('connection lost');
    }
    this.published.push(...published);
    this.kept = kept ?? this.kept;
    return true;
  }

  watch() {
    return createReturnsWatch({
      ...{ store: this, settings, log: () => {} },
      warningId: (kind, provider, route, foundAt) => `${kind} ${provider} ${route} ${foundAt}`,
    });
  }
}

/** Of two partitions: four slips a second with a second each, none of which returns between 200 s and 260 s. */
const tallies = [0, 1].map((partition) =>
  Array.from({ length: 400 }, (_, at) => {
    const tally = new Tally();
    for (const half of [0, 500]) {
      const dispatchedAt = start + at * second + half + partition * 100;
      const flight = { provider: 'acme', route: 'default', dispatchedAt, due: dispatchedAt + 60 * second };
      const money = { amount: 5, currency: 'EUR' };
      tally.add({ ...flight, ...money, kind: 'dispatched', at: dispatchedAt });
      if (at >= 200 && at < 260) continue;
      tally.add({ ...flight, ...money, kind: 'returned', at: dispatchedAt + second });
    }
    return tally.steps();
  }),
);

/** Both partitions read at their own pace, and the watch once a second; `each` may break something before a round. */
async function run(ahead: number, each: (second: number, store: Store) => void = () => {}) {
  const store = new Store();
  let watch = store.watch();
  for (let at = 0; at < 400; at++) {
    store.rows.push(tallies[0]![at]!);
    const slower = at - ahead;
    if (slower >= 0) store.rows.push(tallies[1]![slower]!);
    // A return is known a second after its dispatch, and so vouched for only then.
    store.through = start + Math.max(0, slower - 1) * second;
    each(at, store);
    if (at % 97 === 96) watch = store.watch();
    await watch.round().catch(() => {});
  }
  return store;
}

const found = ({ published }: Store) => published.map(({ id, event }) => ({ id, event }));

describe('watching the returns of all partitions', () => {
  test('tells of an outage and its end, once each, with the money at risk', async () => {
    const events = found(await run(0));
    expect(events.map(({ event }) => event.type)).toEqual(['ReturnsFalling', 'ReturnsRecovered']);
    const [falling, recovered] = events;
    if (falling?.event.type !== 'ReturnsFalling') throw new Error('no warning');
    const { data } = falling.event;
    expect(data).toMatchObject({ provider: 'acme', route: 'default', falseAlarmEveryDays: 3_650 });
    expect(data.foundAt < instantFromMs(start + 240 * second)).toBe(true);
    expect(data.firstDeadline > data.foundAt).toBe(true);
    expect(data.forecastMoney).toEqual([{ amount: BigInt(5 * data.forecastSlips), currency: 'EUR' }]);
    expect(data.eValueLog10).toBeGreaterThanOrEqual(8);
    expect(recovered).toMatchObject({ event: { data: { falling: falling.id, since: data.since } } });
  });

  test('finds the same when one partition is read far behind the other', async () => {
    expect(found(await run(37))).toEqual(found(await run(0)));
  });

  test('finds the same when transactions are lost, and when another instance watched for a while', async () => {
    const broken = await run(3, (at, store) => {
      store.dies = at % 5 === 2;
      store.ours = at % 50 < 45;
    });
    expect(found(broken)).toEqual(found(await run(3)));
  });

  test('catches up by reading what lies behind about once, over gaps too', async () => {
    const store = new Store();
    const hours = [0, 1, 2, 3, 4, 5, 6, 7, 100];
    for (const hour of hours) {
      for (let minute = 0; minute < 60; minute++) {
        const tally = new Tally();
        const dispatchedAt = start + hour * 3_600_000 + minute * 60_000;
        const flight = { provider: 'acme', route: 'default', dispatchedAt, due: dispatchedAt + 60_000 };
        tally.add({ ...flight, amount: 5, currency: 'EUR', kind: 'dispatched', at: dispatchedAt });
        store.rows.push(tally.steps());
      }
    }
    store.through = start + 101 * 3_600_000;
    const watch = store.watch();
    for (let round = 0; round < 200; round++) await watch.round();
    expect(store.kept?.state.slot).toBe(store.rows.flat().at(-1)!.slot);
    expect(store.read).toBeLessThan(4 * store.rows.length);
  });

  test('knows nothing while nobody says how far was read', async () => {
    const store = new Store();
    store.rows.push(...tallies[0]!);
    await store.watch().round();
    expect(store.kept).toBeNull();
    store.through = start + 400 * second;
    await store.watch().round();
    expect(store.kept).not.toBeNull();
    expect((store.kept as unknown as KeptReturns).state.slot).toBeLessThan((start + 400 * second) / slotMs);
  });
});
