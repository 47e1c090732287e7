import { type Topic, topics } from '@slipstream/contracts';
import type { FailingPartition, LaneOptions, LaneState, Relay, RelayProducer } from '@slipstream/postgres';
import { Gauge } from 'prom-client';
import type { Health } from './health.ts';
import type { Part } from './lifecycle.ts';
import type { RuntimeHost } from './runtime-host.ts';

/** A relay that neither sends nor finds everything sent this long is shown as not ready. */
const silentMsMax = 30_000;
/** All waits of the relay are bounded far below: one that takes no step for so long is lost, and so is the process. */
const stuckMsMax = 60_000;
const watchEveryMs = 5_000;

/** A failing partition must give way soon: the relay repeats it by itself. A produce call of 8 s is slow, not failed. */
export const relayProducerOptions = { retries: 3, sendTimeoutMs: 15_000 };

/** The slips' lane, and one for operations and dead letters: what ails those delays no slip, and a slip's look reads none. */
export function relayLanes(connect: () => RelayProducer, publishes: readonly Topic[]): LaneOptions[] {
  const isOfSlips = ({ name }: Topic) => name === topics.events.name;
  const lane = (name: string, isOfLane: (topic: Topic) => boolean): LaneOptions => ({
    name,
    topics: publishes.filter(isOfLane).map((topic) => topic.name),
    connect,
  });
  return [lane('events', isOfSlips), lane('operations', (topic) => !isOfSlips(topic))].filter(
    ({ topics }) => topics.length > 0,
  );
}

/**
 * Only a relay that can send nothing makes the instance not ready: one failing partition, dead letters or a row passed
 * over are told, and counted, without taking the others' traffic away.
 */
export function relayHealth(relay: Pick<Relay, 'lanes' | 'unsendable'>): Health {
  const silent = relay.lanes.filter((lane) => lane.silentMs >= silentMsMax);
  const problems = [
    ...silent.map(({ name, silentMs }) => `nothing of ${name} could be sent for ${Math.round(silentMs)} ms`),
    ...relay.lanes.flatMap((lane) => lane.failing.map(describeFailing)),
    ...(relay.unsendable > 0 ? [`${relay.unsendable} rows will never be sent: see table unsendable`] : []),
  ];
  const ok = !silent.some(isOfEvents);
  return problems.length === 0 ? { ok } : { ok, detail: problems.join('; ') };
}

const isOfEvents = (lane: LaneState): boolean => lane.name === 'events';

function describeFailing({ topic, partition, failures, error }: FailingPartition): string {
  const why = error instanceof Error ? error.message : String(error);
  return `${topic} partition ${partition} failed ${failures} times: ${why}`;
}

/** Registers health and metrics; as a part, ends the process when the relay is lost. */
export function watchRelay(relay: Relay, host: RuntimeHost, onFatal: (error: unknown) => void): Part {
  host.health.register('relay', () => relayHealth(relay));
  const gauge = (name: string, help: string, read: () => number) =>
    host.metrics.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  gauge('slipstream_relay_failing_partitions', 'Partitions whose last send failed', () =>
    relay.lanes.reduce((sum, lane) => sum + lane.failing.length, 0),
  );
  gauge(
    'slipstream_relay_unsendable_rows',
    'Outbox rows the broker will never take, passed over',
    () => relay.unsendable,
  );
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'relay watch',
    start: async () => {
      timer = setInterval(() => {
        if (relay.stuckMs > stuckMsMax) onFatal(new Error(`the relay took no step for ${relay.stuckMs} ms`));
      }, watchEveryMs);
    },
    stop: async () => clearInterval(timer),
  };
}
