import { expect, test } from '@jest/globals';
import { type Source, sources, type Tick } from '@slipstream/contracts';
import type { ToldProgress } from '../../application/expected-waits.ts';
import { followLines } from './follow-lines.ts';

function setUp() {
  const latest = new Map<string, Tick>();
  const listeners: ((tick: Tick) => void)[] = [];
  const told: ToldProgress[] = [];
  const ticks = {
    latest: (source: string) => latest.get(source),
    ageMs: () => 40,
    onTick: (listener: (tick: Tick) => void) => void listeners.push(listener),
  };
  followLines(ticks, { told: (progress) => void told.push(progress) }, () => 1_000);
  const say = (source: Source, more: Partial<Tick>) => {
    const tick: Tick = {
      ...{ source, clock: 'wall', marks: [], closed: false, reading: null, awaits: null, sentInMs: 0 },
      ...{ behindMs: 0, waits: [], silentMs: 0, ...more },
    };
    latest.set(source, tick);
    for (const listener of listeners) listener(tick);
  };
  return { told, say };
}

test('what lies at the ledger and at the gateway counts together, as of when the gateway said so', () => {
  const { told, say } = setUp();
  say(sources.ledger, { behindMs: 700 });
  say(sources.gateway, { behindMs: 300, waits: [{ route: 'default', waitMs: 2_500 }] });
  expect(told).toEqual([{ atMs: 960, behindMs: 1_000, waits: new Map([['default', 2_500]]) }]);
});

test('a gateway whose ledger has said nothing is known alone; clocks of imports tell nothing', () => {
  const { told, say } = setUp();
  say(sources.gateway, { behindMs: 300 });
  say(sources.gateway, { clock: 'import-1', behindMs: 300 });
  say(sources.reconciliation, { behindMs: 9_000 });
  expect(told).toEqual([{ atMs: 960, behindMs: 300, waits: new Map() }]);
});
