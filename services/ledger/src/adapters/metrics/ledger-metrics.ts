import { Counter, Histogram, type Registry } from 'prom-client';
import type { LedgerMonitor } from '../../application/ports.ts';

export interface LedgerMetrics extends LedgerMonitor {
  register(registry: Registry): void;
}

export interface LedgerLog {
  warn(message: string): void;
  error(message: string): void;
}

/** Counts what the batch handler has committed. */
export function ledgerMetrics(log: LedgerLog): LedgerMetrics {
  const registers: Registry[] = [];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const appended = counter('ledger_events_appended_total', 'Events added to the log');
  const postings = counter('ledger_postings_total', 'Postings booked');
  const unknown = counter('ledger_unknown_event_types_total', 'Events kept but not understood');
  const differ = counter(
    'ledger_resent_bytes_differ_total',
    'Resent events whose bytes are not the logged ones: somebody altered them',
  );
  const batches = new Histogram({
    name: 'ledger_batch_events',
    help: 'New events per batch',
    buckets: [1, 5, 10, 50, 100, 250, 500, 1000, 2000],
    registers,
  });
  return {
    register(registry) {
      for (const metric of [appended, postings, unknown, differ, batches]) registry.registerMetric(metric);
    },
    eventsAppended(count) {
      appended.inc(count);
      batches.observe(count);
    },
    postingsBooked: (count) => postings.inc(count),
    unknownType(type) {
      unknown.inc();
      log.warn(`an event of the unknown type ${type} was logged and folds into nothing`);
    },
    resentBytesDiffer({ partition, source, sequence, offset }) {
      differ.inc();
      log.error(
        `the record at partition ${partition} offset ${offset} says it is event ${sequence} of ${source}, but its bytes are not the logged ones`,
      );
    },
  };
}
