import type { ConsumerMetrics } from '@slipstream/kafka';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Prometheus metrics of a service's consumers. */
export function consumerMetrics(): { callbacks: ConsumerMetrics; register(registry: Registry): void } {
  const labelNames = ['topic', 'partition'];
  const unregistered = { registers: [] };
  const records = new Counter({
    name: 'slipstream_consumer_records_total',
    help: 'Records handled and committed',
    labelNames,
    ...unregistered,
  });
  const resent = new Counter({
    name: 'slipstream_consumer_resent_total',
    help: 'Records skipped because their seq was seen before',
    labelNames,
    ...unregistered,
  });
  const deadLetters = new Counter({
    name: 'slipstream_consumer_dead_letters_total',
    help: 'Records set aside',
    labelNames: [...labelNames, 'reason'],
    ...unregistered,
  });
  const retries = new Counter({
    name: 'slipstream_consumer_retries_total',
    help: 'Batches put off because of a transient error',
    labelNames: [...labelNames, 'error'],
    ...unregistered,
  });
  const fenced = new Counter({
    name: 'slipstream_consumer_fenced_total',
    help: 'Batches rolled back because another instance owns the partition',
    labelNames,
    ...unregistered,
  });
  const stopped = new Gauge({
    name: 'slipstream_consumer_stopped',
    help: '1 while a partition stands still because records were lost',
    labelNames,
    ...unregistered,
  });
  const lag = new Gauge({
    name: 'slipstream_consumer_lag_records',
    help: 'Records not handled yet',
    labelNames,
    ...unregistered,
  });
  const of = (topic: string, partition: number) => ({ topic, partition: String(partition) });
  return {
    callbacks: {
      batchHandled: (topic, partition, count) => records.inc(of(topic, partition), count),
      resent: (topic, partition, count) => resent.inc(of(topic, partition), count),
      deadLettered: (topic, partition, reason) => deadLetters.inc({ ...of(topic, partition), reason }),
      retried: (topic, partition, error) => retries.inc({ ...of(topic, partition), error }),
      fenced: (topic, partition) => fenced.inc(of(topic, partition)),
      stopped: (topic, partition) => stopped.set(of(topic, partition), 1),
      lag: (topic, partition, count) => lag.set(of(topic, partition), count),
    },
    register(registry) {
      for (const metric of [records, resent, deadLetters, retries, fenced, stopped, lag])
        registry.registerMetric(metric);
    },
  };
}
