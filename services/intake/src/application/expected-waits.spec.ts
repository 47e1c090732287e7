import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { ExpectedWaits } from './expected-waits.ts';

/** A world in which slips of one route come `perS` a second and leave `servedPerS` a second, in their order. */
function setUp() {
  const world = { ms: 0, served: 0 };
  const waits = new ExpectedWaits(() => world.ms);
  const acceptedAt: number[] = [];
  const run = (seconds: number, { perS, servedPerS }: { perS: number; servedPerS: number }) => {
    const stepMs = 10;
    for (const untilMs = world.ms + seconds * 1_000; world.ms < untilMs; ) {
      world.ms += stepMs;
      for (let n = 0; n < (perS * stepMs) / 1_000; n++) {
        waits.accepted('default', 1e9);
        acceptedAt.push(world.ms);
      }
      world.served = Math.min(acceptedAt.length, world.served + (servedPerS * stepMs) / 1_000);
      if (world.ms % 1_000 === 0) tell();
    }
  };
  const tell = (more = {}) => {
    const first = acceptedAt[Math.floor(world.served)];
    waits.told({
      atMs: world.ms,
      behindMs: first === undefined ? 0 : world.ms - first,
      waits: new Map(),
      ...more,
    });
  };
  return { world, waits, acceptedAt, run, tell };
}

const flooded = { deadlineMs: 30_000, servedPerS: 100, perS: 500, seconds: 60 };

/** Five times what is served, which goes by fits and starts and is told late, of a service that lets in what waits half of its time at most. */
function flood(seed: number) {
  const random = seededRandom(seed);
  const { deadlineMs, servedPerS, perS, seconds } = flooded;
  const { world, waits, acceptedAt, tell } = setUp();
  const letInPerS = Array.from({ length: seconds }, () => 0);
  let [waitedMsMax, tellAtMs, left] = [0, 0, 0];
  for (; world.ms < seconds * 1_000; world.ms += 10) {
    for (let n = 0; n < perS / 100; n++) {
      if (waits.expectedMs('default') > deadlineMs / 2 || waits.isThrottled('default', deadlineMs / 2))
        continue;
      waits.accepted('default', deadlineMs / 2);
      acceptedAt.push(world.ms);
      letInPerS[Math.floor(world.ms / 1_000)]! += 1;
    }
    left += random.chance(0.02) ? servedPerS * random.next() : 0;
    for (; left >= 1 && world.served < acceptedAt.length; left--)
      waitedMsMax = Math.max(waitedMsMax, world.ms - acceptedAt[world.served++]!);
    if (world.ms < tellAtMs) continue;
    tellAtMs = world.ms + random.integer(500, 1_000);
    const first = acceptedAt[Math.floor(world.served)] ?? world.ms;
    const inLineMs = Math.max(0, world.ms - first - 400);
    tell({ behindMs: random.integer(200, 1_400), waits: new Map([['default', inLineMs]]) });
  }
  return { letInPerS, waitedMsMax };
}

describe('the wait that is expected', () => {
  test('is none of a route that nobody knows, and none while everything is served at once', () => {
    const { waits, run } = setUp();
    expect(waits.expectedMs('default')).toBe(0);
    run(5, { perS: 500, servedPerS: 1_000 });
    expect(waits.expectedMs('default')).toBe(0);
    expect(waits.expectedMs('other')).toBe(0);
  });

  test('is that of the end of the line, while its head has waited a fraction of it', () => {
    const { world, waits, acceptedAt, run } = setUp();
    run(6, { perS: 1_000, servedPerS: 200 });
    const inLine = acceptedAt.length - world.served;
    expect(inLine / 0.2).toBe(24_000);
    expect(waits.expectedMs('default')).toBeGreaterThan(20_000);
    expect(waits.expectedMs('default')).toBeLessThan(28_000);
  });

  test('falls as the line is served, and grows with every slip that is accepted, between two looks', () => {
    const { world, waits, run } = setUp();
    run(6, { perS: 1_000, servedPerS: 200 });
    const before = waits.expectedMs('default');
    world.ms += 500;
    expect(waits.expectedMs('default')).toBe(before - 500);
    for (let n = 0; n < 200; n++) waits.accepted('default', 1e9);
    expect(waits.expectedMs('default')).toBeGreaterThan(before + 300);
  });

  test('is over when the line is', () => {
    const { waits, run } = setUp();
    run(6, { perS: 1_000, servedPerS: 200 });
    run(25, { perS: 0, servedPerS: 200 });
    expect(waits.expectedMs('default')).toBe(0);
  });

  test('is as long again as the first has waited when nothing moves', () => {
    const { waits, run, world } = setUp();
    run(4, { perS: 100, servedPerS: 0 });
    expect(waits.expectedMs('default')).toBe(world.ms - 10);
  });

  test('of a line in which nothing moves lets in no more than stood there when it was seen', () => {
    const { world, waits, tell } = setUp();
    let letIn = 0;
    for (; world.ms < 14_000; world.ms += 10) {
      for (let n = 0; n < 5; n++) {
        if (waits.isThrottled('default', 15_000)) continue;
        waits.accepted('default', 15_000);
        letIn += 1;
      }
      if (world.ms % 500 === 0 && world.ms > 0) tell({ behindMs: world.ms });
    }
    expect(letIn).toBeGreaterThan(500);
    expect(letIn).toBeLessThan(2_000);
  });

  test('gives a place to whoever comes in, until it leaves, and none again when it is accepted', () => {
    const { world, waits, run } = setUp();
    run(8, { perS: 120, servedPerS: 100 });
    const maxMs = 2 * waits.expectedMs('default');
    const enter = () => waits.enter('default', maxMs);
    const isFull = () => waits.isThrottled('default', maxMs);
    while (isFull()) world.ms += 10;
    const places: number[] = [];
    for (; !isFull(); ) places.push(enter());
    expect(places.length).toBeGreaterThan(0);
    expect(places.length).toBeLessThan(5);
    // Being accepted takes no other place, so those that leave make room.
    waits.accepted('default', maxMs);
    for (const place of places.slice(1)) waits.leave('default', place);
    expect(places.length === 1 || !isFull()).toBe(true);
    const before = waits.expectedMs('default');
    waits.accepted('default', maxMs);
    expect(waits.expectedMs('default')).toBeGreaterThan(before);
  });

  test('of a burst at services that have just started is no longer than its first has waited', () => {
    const { world, waits, acceptedAt, run, tell } = setUp();
    run(1, { perS: 300, servedPerS: 0 });
    for (const ms of [1_500, 2_000, 2_500]) {
      world.ms = ms;
      world.served += 2;
      tell({ behindMs: ms - acceptedAt[world.served]! });
      expect(waits.expectedMs('default')).toBeLessThan(ms);
      expect(waits.isThrottled('default', 5_000)).toBe(false);
    }
    // Of what goes on so slowly it is known.
    for (let ms = 3_000; ms <= 5_000; ms += 500) {
      world.ms = ms;
      world.served += 2;
      tell({ behindMs: ms - acceptedAt[world.served]! });
    }
    expect(waits.expectedMs('default')).toBeGreaterThan(50_000);
  });

  test.each([
    ['a stream that meets services which have just started', { perS: 300, silentFromMs: 0, silentMs: 3_500 }],
    [
      'a stream of which a provider takes nothing for a while',
      { perS: 100, silentFromMs: 8_000, silentMs: 15_000 },
    ],
  ])('sends next to nothing away that has minutes: %s', (_, { perS, silentFromMs, silentMs }) => {
    const { world, waits, acceptedAt, tell } = setUp();
    let refused = 0;
    while (world.ms < silentFromMs + silentMs + 5_000) {
      world.ms += 10;
      for (let n = 0; n < perS / 100; n++) {
        if (waits.expectedMs('default') > 300_000 || waits.isThrottled('default', 300_000)) refused += 1;
        waits.accepted('default', 300_000);
        acceptedAt.push(world.ms);
      }
      const isSilent = world.ms > silentFromMs && world.ms <= silentFromMs + silentMs;
      // A little always leaves late: there is a line when the silence begins.
      const servable = acceptedAt.length - (silentFromMs > 0 ? 1.5 * perS : 0);
      if (!isSilent)
        world.served = Math.max(world.served, Math.min(servable, world.served + (5 * perS) / 100));
      if (world.ms % 500 === 0) tell();
    }
    // While the pace of before fades from the measurement, some.
    expect(refused).toBeLessThan(perS);
  });

  test('is not believed when it was seen but once, nor when it was long ago', () => {
    const { waits, tell, world } = setUp();
    waits.accepted('default', 1e9);
    world.ms += 60_000;
    tell({ behindMs: 60_000 });
    expect(waits.expectedMs('default')).toBe(0);
    world.ms += 500;
    tell({ behindMs: 60_500 });
    expect(waits.expectedMs('default')).toBe(60_500);
    world.ms += 10_001;
    expect(waits.expectedMs('default')).toBe(0);
  });

  test('counts a line at the provider for its route alone', () => {
    const { waits, tell, world } = setUp();
    waits.accepted('default', 1e9);
    waits.accepted('other', 1e9);
    for (const ms of [3_000, 4_000]) {
      world.ms = ms;
      tell({ behindMs: 100, waits: new Map([['default', 2_500]]) });
    }
    expect(waits.expectedMs('default')).toBe(2_600);
    expect(waits.expectedMs('other')).toBe(0);
  });

  test.each([1, 2, 3])(
    'lets of a flood in what is served in time, as evenly as it is served: seed %d',
    (seed) => {
      const { letInPerS, waitedMsMax } = flood(seed);
      expect(waitedMsMax).toBeLessThan(flooded.deadlineMs);
      expect(letInPerS.slice(10).filter((count) => count > 3 * flooded.servedPerS)).toEqual([]);
    },
  );

  test('keeps no more than it looks back at, however much is accepted while nobody says anything', () => {
    const { waits, world } = setUp();
    for (let n = 0; n < 30_000; n++) {
      world.ms += 60;
      waits.accepted('default', 1e9);
    }
    waits.told({ atMs: world.ms, behindMs: 2_000, waits: new Map() });
    world.ms += 1_000;
    waits.told({ atMs: world.ms, behindMs: 3_000, waits: new Map() });
    expect(waits.expectedMs('default')).toBe(3_000);
  });
});
