import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BalanceMonitor } from '../../application/check-balances.ts';
import type { LedgerMonitor } from '../../application/ports.ts';
import { results } from '../../domain/statistics/results.ts';

export interface LedgerMetrics extends LedgerMonitor, BalanceMonitor {
  register(registry: Registry): void;
}

export interface LedgerLog {
  warn(message: string): void;
  error(message: string, fields?: object): void;
}

/** A route and whom its slips may go to. */
interface CountedRoute {
  readonly id: string;
  readonly providers: readonly { readonly id: string }[];
}

/**
 * Counts what the batch handler has committed.
 * @param routes whose slips are counted from 0 on: what first appears at 1 has not grown for whoever asks how much it grew
 */
export function ledgerMetrics(log: LedgerLog, routes: Iterable<CountedRoute> = []): LedgerMetrics {
  const registers: Registry[] = [];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const appended = counter('slipstream_ledger_events_appended_total', 'Events added to the log');
  const postings = counter('slipstream_ledger_postings_total', 'Postings booked');
  const unknown = counter('slipstream_ledger_unknown_event_types_total', 'Events kept but not understood');
  const differ = counter(
    'slipstream_ledger_resent_bytes_differ_total',
    'Resent events whose bytes are not the logged ones: somebody altered them',
  );
  const anomalies = new Counter({
    name: 'slipstream_ledger_anomalies_total',
    help: 'Events that did not fit where they stand in the log: early, late, twice or against what was known',
    labelNames: ['reason'],
    registers,
  });
  const slips = new Counter({
    name: 'slipstream_slips_total',
    help: 'Live slips by what became of them, each once a result: recovered is overdue and then returned',
    labelNames: ['result', 'provider', 'route'],
    registers,
  });
  for (const { id: route, providers } of routes)
    for (const provider of ['', ...providers.map(({ id }) => id)])
      for (const result of results) slips.inc({ result, provider, route }, 0);
  const checked = counter(
    'slipstream_ledger_balances_checked_total',
    'Accounts found to be the fold of their entries',
  );
  const broken = new Gauge({
    name: 'slipstream_ledger_balances_broken',
    help: 'Accounts found to differ from the fold of their entries',
    registers,
  });
  const batches = new Histogram({
    name: 'slipstream_ledger_batch_events',
    help: 'New events per batch',
    buckets: [1, 5, 10, 50, 100, 250, 500, 1000, 2000],
    registers,
  });
  return {
    register(registry) {
      for (const metric of [appended, postings, unknown, differ, batches]) registry.registerMetric(metric);
      for (const metric of [anomalies, checked, broken]) registry.registerMetric(metric);
      registry.registerMetric(slips);
    },
    eventsAppended(count) {
      appended.inc(count);
      batches.observe(count);
    },
    postingsBooked: (count) => postings.inc(count),
    slipReached: (result, provider, route) => slips.inc({ result, provider, route }),
    unknownType(type) {
      unknown.inc();
      log.warn(`an event of the unknown type ${type} was logged and folds into nothing`);
    },
    balanceChecked: () => checked.inc(),
    balancesBroken: (count) => broken.set(count),
    balanceBroken: (account, balance, folded) =>
      log.error(
        `the balance of ${account} is ${balance}, but its entries add up to ${folded}: somebody altered one of them`,
      ),
    anomaly: ({ reason }) => anomalies.inc({ reason }),
    resentBytesDiffer({ partition, slipId, source, sequence, offset }) {
      differ.inc();
      log.error(
        `the record at partition ${partition} offset ${offset} says it is event ${sequence} of ${source}, but its bytes are not the logged ones`,
        { slipId },
      );
    },
  };
}
