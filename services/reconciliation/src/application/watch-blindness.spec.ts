import { describe, expect, test } from '@jest/globals';
import type { Instant } from '@slipstream/kernel';
import { at } from '../../test/story.ts';
import { MarkStore } from '../adapters/kafka/mark-store.ts';
import type { Heard } from '../domain/deadline/blame.ts';
import type { ClockState, Judgeable } from '../domain/deadline/judgeable.ts';
import type { Owner } from '../domain/deadline/marks.ts';
import { type Blinded, createBlindnessWatch } from './watch-blindness.ts';

/** A detector that has read ten records of every partition it owns. */
function detector() {
  const given = {
    now: at(0),
    owned: [0, 1],
    heard: null as Instant | null,
    awaitsHold: (_: Judgeable) => false,
    clocks: { trouble: null, spreadMs: 0 } as ClockState,
    openSlips: 3,
    services: [] as readonly Heard[],
    said: null as Blinded | null,
  };
  const told: (Blinded | null)[] = [];
  const incidents: Instant[] = [];
  const lines: string[] = [];
  const marks = new MarkStore();
  const watch = createBlindnessWatch({
    marks,
    owned: {
      nextOffsets: () => new Map(given.owned.map((partition) => [partition, 10])),
      inPartition: async () => true,
    },
    lookout: {
      withSlipsToJudge: async () => [],
      withSlipsAwaitingHold: async (ranges) => ranges.filter((range) => given.awaitsHold(range)),
      withStepsDue: async () => [],
      withStagesToTell: async () => [],
      concluded: async () => [],
      keepProgress: async () => {},
    },
    clocks: () => given.clocks,
    blindMsMax: 60_000,
    services: () => given.services,
    said: async () => given.said,
    say: async (blinded) => void told.push(blinded),
    keepIncident: async ({ since }) => void incidents.push(since),
    heard: () => given.heard,
    look: async () => ({ now: given.now, openSlips: given.openSlips }),
    log: (line) => lines.push(line),
  });
  return {
    given,
    lines,
    told,
    incidents,
    note: (owner: Owner, seconds: number, partitions = [0, 1], offset = 10) => {
      for (const partition of partitions) {
        marks.note(owner, 'wall', partition, { time: at(seconds), offset, closed: false });
      }
    },
    async sightAt(seconds: number) {
      given.now = at(seconds);
      await watch.check();
      return watch.sight();
    },
  };
}

describe('the detector', () => {
  test('sees as far as the marks it has reached', async () => {
    const { note, sightAt, lines } = detector();
    await sightAt(98);
    note('gateway', 99);
    expect(await sightAt(100)).toEqual({
      ...{ blind: false, why: null, since: null, by: null, lagMs: 1_000, openSlips: 3 },
    });
    note('gateway', 160);
    expect(await sightAt(161)).toMatchObject({ blind: false, lagMs: 1_000 });
    expect(await sightAt(221)).toMatchObject({ blind: true, lagMs: 61_000 });
    note('gateway', 222);
    expect(await sightAt(223)).toMatchObject({ blind: false });
    expect(lines).toHaveLength(2);
  });

  test('is blind when one partition is, and when marks are heard that it cannot reach', async () => {
    const { note, sightAt, given } = detector();
    note('gateway', 1);
    await sightAt(1);
    note('gateway', 100, [0]);
    note('gateway', 100, [1], 11);
    given.heard = at(100);
    expect(await sightAt(101)).toMatchObject({ blind: true, lagMs: 100_000 });
  });

  test('is blind without the ledger when a slip that is due awaits its hold, and only then', async () => {
    const { note, sightAt, given } = detector();
    note('gateway', 0);
    note('ledger', 0);
    await sightAt(0);
    note('gateway', 100);
    expect(await sightAt(100)).toMatchObject({ blind: false, lagMs: 0 });
    given.awaitsHold = ({ partition }) => partition === 1;
    expect(await sightAt(100)).toMatchObject({ blind: true, lagMs: 100_000 });
    note('ledger', 99);
    expect(await sightAt(100)).toMatchObject({ blind: false, lagMs: 1_000 });
  });

  test('is blind at once while the clocks are in trouble, and says why', async () => {
    const { note, sightAt, given, lines } = detector();
    note('gateway', 100);
    await sightAt(100);
    given.clocks = { trouble: 'clocks lie 10000 ms apart', spreadMs: 10_000 };
    expect(await sightAt(100)).toMatchObject({ blind: true, why: 'clocks lie 10000 ms apart' });
    expect(lines).toEqual(['detector blind because of kafka: clocks lie 10000 ms apart, 3 open slips']);
    given.clocks = { trouble: null, spreadMs: 0 };
    expect(await sightAt(100)).toMatchObject({ blind: false, why: null });
  });

  test('counts a partition from when it was taken over', async () => {
    const { note, sightAt, given } = detector();
    given.owned = [0];
    note('gateway', 100, [0]);
    await sightAt(100);
    note('gateway', 200, [0]);
    given.owned = [0, 1];
    expect(await sightAt(200)).toMatchObject({ blind: false, lagMs: 0 });
    note('gateway', 300, [0]);
    expect(await sightAt(300)).toMatchObject({ blind: true, lagMs: 100_000 });
  });

  test('that owns nothing is blind when the gateway is not heard either', async () => {
    const { sightAt, given } = detector();
    given.owned = [];
    await sightAt(0);
    expect(await sightAt(61)).toMatchObject({ blind: true, lagMs: 61_000 });
    given.heard = at(61);
    expect(await sightAt(62)).toMatchObject({ blind: false });
  });
});

describe('a blindness', () => {
  const gateway: Heard = { service: 'provider-gateway', ageMs: 11_000, through: at(100) };
  const ledger: Heard = { service: 'ledger', ageMs: 500, through: at(110) };

  test('is said once, within ten seconds and a check, with who is to blame, and taken back once', async () => {
    const { note, sightAt, given, told } = detector();
    await sightAt(99);
    note('gateway', 100);
    await sightAt(101);
    await sightAt(109);
    expect(told).toEqual([]);
    given.services = [gateway, ledger];
    const why = 'it sees no further than 11000 ms ago';
    expect(await sightAt(111)).toMatchObject({ since: at(100), by: 'provider-gateway', why });
    await sightAt(113);
    expect(told).toEqual([{ by: 'provider-gateway', why, since: at(100) }]);
    note('gateway', 114);
    expect(await sightAt(115)).toMatchObject({ blind: false, since: null, by: null });
    await sightAt(116);
    expect(told.slice(1)).toEqual([null]);
  });

  test('that lasts for longer than blind_ms_max is an incident, since when it began', async () => {
    const { note, sightAt, told, incidents } = detector();
    await sightAt(99);
    note('gateway', 100);
    await sightAt(101);
    await sightAt(112);
    await sightAt(159);
    expect(told).toHaveLength(1);
    expect(incidents).toEqual([]);
    await sightAt(161);
    expect(incidents).toEqual([at(100)]);
    note('gateway', 162);
    await sightAt(163);
    expect(incidents).toHaveLength(1);
  });

  test('is not said while nobody waits, and is as soon as somebody does', async () => {
    const { note, sightAt, given, told } = detector();
    given.openSlips = 0;
    await sightAt(99);
    note('gateway', 100);
    await sightAt(101);
    expect(await sightAt(120)).toMatchObject({ blind: true });
    expect(told).toEqual([]);
    given.openSlips = 1;
    await sightAt(122);
    expect(told).toMatchObject([{ since: at(100) }]);
  });

  test('that another process of this instance said is not said again, and taken back', async () => {
    const { note, sightAt, given, told } = detector();
    given.said = { by: 'ledger', why: 'it was silent', since: at(90) };
    note('gateway', 100);
    await sightAt(101);
    expect(told).toEqual([null]);
  });

  test('that an instance said which then ended is taken back by one that lives', async () => {
    const { note, sightAt, given, told } = detector();
    note('gateway', 100);
    await sightAt(101);
    given.said = { by: 'ledger', why: 'it was silent', since: at(90) };
    for (let second = 102; second < 112; second += 2) await sightAt(second);
    expect(told).toEqual([null]);
  });

  test('of clocks that lie apart is blamed on the one that is off', async () => {
    const { note, sightAt, given, told } = detector();
    note('gateway', 100);
    await sightAt(100);
    given.clocks = { trouble: 'clocks lie 10000 ms apart', spreadMs: 10_000, toBlame: 'ledger' };
    await sightAt(101);
    expect(told).toMatchObject([{ by: 'ledger' }]);
  });
});
