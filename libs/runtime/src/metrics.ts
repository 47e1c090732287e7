import type { ConsumerMetrics } from '@slipstream/kafka';
import type { DeadLetters } from '@slipstream/postgres';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface ConsumersMetrics {
  /** What the consumer of this group is given. */
  of(group: string): ConsumerMetrics;
  /** A record of the watermark topic was no tick of ours. */
  tickSkipped(): void;
  register(registry: Registry): void;
}

const labelNames = ['group', 'topic', 'partition'];

const counter = (name: string, help: string, more: readonly string[] = []) =>
  new Counter({ name, help, labelNames: [...labelNames, ...more], registers: [] });
const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers: [] });

/** Prometheus metrics of a service's consumers. */
export function consumerMetrics(): ConsumersMetrics {
  const records = counter('slipstream_consumer_records_total', 'Records handled and committed');
  const resent = counter(
    'slipstream_consumer_resent_total',
    'Records skipped because their seq was seen before',
  );
  const deadLetters = counter('slipstream_consumer_dead_letters_total', 'Records set aside', ['reason']);
  const retries = counter(
    'slipstream_consumer_retries_total',
    'Batches put off because of a transient error',
    ['error'],
  );
  const waiting = gauge(
    'slipstream_consumer_waiting',
    '1 while a partition waits because of an error that is no record’s own (database, configuration, code)',
  );
  const fenced = counter(
    'slipstream_consumer_fenced_total',
    'Batches rolled back because another instance owns the partition',
  );
  const stopped = gauge(
    'slipstream_consumer_stopped',
    '1 while a partition stands still: records were lost, a number stands for two events, or the topic is another one',
  );
  const lag = gauge('slipstream_consumer_lag_records', 'Records not handled yet');
  const ticksSkipped = new Counter({
    name: 'slipstream_ticks_skipped_total',
    help: 'Records of the watermark topic that are no tick of ours, or that failed',
    registers: [],
  });
  const all = [records, resent, deadLetters, retries, waiting, fenced, stopped, lag, ticksSkipped];
  return {
    of(group) {
      const at = (topic: string, partition: number) => ({ group, topic, partition: String(partition) });
      return {
        batchHandled: (topic, partition, count) => records.inc(at(topic, partition), count),
        resent: (topic, partition, count) => resent.inc(at(topic, partition), count),
        deadLettered: (topic, partition, reason) => deadLetters.inc({ ...at(topic, partition), reason }),
        retried: (topic, partition, error) => retries.inc({ ...at(topic, partition), error }),
        waiting: (topic, partition, isWaiting) => waiting.set(at(topic, partition), isWaiting ? 1 : 0),
        fenced: (topic, partition) => fenced.inc(at(topic, partition)),
        stopped: (topic, partition, isStopped) => stopped.set(at(topic, partition), isStopped ? 1 : 0),
        lag: (topic, partition, count) => lag.set(at(topic, partition), count),
        left(topic, partition) {
          for (const state of [waiting, stopped, lag]) state.remove(at(topic, partition));
        },
      };
    },
    tickSkipped: () => ticksSkipped.inc(),
    register(registry) {
      for (const metric of all) registry.registerMetric(metric);
    },
  };
}

/** Shows where the database and the service's own log disagree, or were not compared yet (rule 4). */
export function ownLogMetric(
  registry: Registry,
  closed: () => readonly { readonly topic: string; readonly partition: number }[],
): void {
  new Gauge({
    name: 'slipstream_own_log_closed',
    help: '1 while nothing is taken or sent because the database was not found as new as its own log',
    labelNames: ['topic', 'partition'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { topic, partition } of closed()) this.set({ topic, partition: String(partition) }, 1);
    },
  });
}

/**
 * What waits for people, read from the database when it is asked for: every instance of a service shows the same. While
 * the database is away the series are absent: a count from before would say that nothing came since.
 */
export function deadLetterMetrics(
  registry: Registry,
  letters: Pick<DeadLetters, 'waiting' | 'parkedSlips'>,
): void {
  new Gauge({
    name: 'slipstream_dead_letters',
    help: 'Records set aside that were neither handled nor dismissed since',
    labelNames: ['topic', 'reason'],
    registers: [registry],
    async collect() {
      const waiting = await letters.waiting().catch(() => null);
      this.reset();
      for (const { topic, reason, letters: count } of waiting ?? []) this.set({ topic, reason }, count);
    },
  });
  new Gauge({
    name: 'slipstream_parked_slips',
    help: 'Slips whose later records wait behind a dead letter',
    labelNames: ['topic'],
    registers: [registry],
    async collect() {
      const parked = await letters.parkedSlips().catch(() => null);
      this.reset();
      for (const { topic, slips } of parked ?? []) this.set({ topic }, slips);
    },
  });
}
