import { type Source, sources, type Tick } from '@slipstream/contracts';
import type { TickReader } from '@slipstream/kafka';
import { addMs, earlier, type Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import type { Heard } from '../../domain/deadline/blame.ts';
import type { Owner } from '../../domain/deadline/marks.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import type { MarkStore } from './mark-store.ts';

const owners: { readonly [source: string]: Owner } = {
  [sources.intake]: 'intake',
  [sources.gateway]: 'gateway',
  [sources.ledger]: 'ledger',
};

export function noteTick(marks: MarkStore, tick: Tick): void {
  const owner = owners[tick.source];
  if (!owner) return;
  for (const { partition, time, offset } of tick.marks) {
    marks.note(owner, tick.clock, partition, { time, offset: Number(offset), closed: tick.closed });
  }
}

/** The time before a tick in which its source said nothing though it had meant to; null: it came when it was due. */
export function stallOf({ source, reading, silentMs }: Tick): Stall | null {
  const service = owners[source];
  if (!service || reading === null || silentMs <= 0) return null;
  return { service, from: addMs(reading, -silentMs), until: reading };
}

/** The least of the gateway's marks on the wall clock; null while none was heard. */
export function gatewayWallTime(ticks: TickReader): Instant | null {
  const tick = ticks.latest(sources.gateway, wallClock);
  if (!tick || tick.marks.length === 0) return null;
  return tick.marks.map(({ time }) => time).reduce(earlier);
}

/** The services that a verdict waits for, upstream first. */
const awaited = {
  intake: sources.intake,
  'provider-gateway': sources.gateway,
  ledger: sources.ledger,
} as const;

export function heardServices(ticks: TickReader): Heard[] {
  return Object.entries(awaited).map(([service, source]) => {
    const times = ticks.latest(source, wallClock)?.marks.map(({ time }) => time) ?? [];
    const through = times.length > 0 ? times.reduce(earlier) : null;
    return { service, ageMs: ticks.ageMs(source, wallClock), through };
  });
}

/** A service's name as people know it. */
export function serviceOf(source: Source): string {
  return source.slice(source.lastIndexOf('/') + 1);
}

/** One source's watermark on one clock, as shown to people. */
export interface ShownTick {
  readonly source: Source;
  readonly clock: string;
  readonly closed: boolean;
  /** Since the source last spoke. */
  readonly ageMs: number;
  /** How far the clock of its database lies ahead of the broker's (negative: behind); null where it does not say. */
  readonly skewMs: number | null;
  /** What the source waits to see vouched for by the others. */
  readonly awaits: Instant | null;
  readonly marks: readonly { readonly partition: number; readonly time: Instant; readonly offset: number }[];
}

export function shownTicks(ticks: TickReader): ShownTick[] {
  return Object.values(sources).flatMap((source) =>
    ticks.clocks().flatMap((clock) => {
      const tick = ticks.latest(source, clock);
      if (!tick) return [];
      const marks = tick.marks.map(({ partition, time, offset }) => ({
        partition,
        time,
        offset: Number(offset),
      }));
      const ageMs = Math.round(ticks.ageMs(source, clock));
      const { skewMs } = ticks.sourceClock(source, clock);
      const shownSkewMs = skewMs === null ? null : Math.round(skewMs);
      return [{ source, clock, closed: tick.closed, ageMs, skewMs: shownSkewMs, awaits: tick.awaits, marks }];
    }),
  );
}
