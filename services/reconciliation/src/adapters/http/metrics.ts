import type { StagePoint } from '@slipstream/slip';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CaseCounts } from '../../application/reads.ts';
import type { WatchedReturns } from '../../application/returns/watch-returns.ts';
import type { Sight } from '../../application/watch-blindness.ts';
import type { BudgetRules, Spent } from '../../domain/repair/budget.ts';
import { endedBy } from '../../domain/stage/late-stage.ts';

/** Gauges that are read when they are asked for. */
export function registerMetrics(registry: Registry, sight: () => Sight): void {
  const gauge = (name: string, help: string, read: (sight: Sight) => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read(sight()));
      },
    });
  gauge(
    'slipstream_detector_blind',
    '1 when deadlines could not be judged for ten seconds, or for blind_ms_max where that is less',
    (now) => Number(now.blind),
  );
  gauge(
    'slipstream_detector_lag_seconds',
    'How far the time up to which deadlines can be judged lies behind',
    (now) => now.lagMs / 1000,
  );
  new Gauge({
    name: 'slipstream_detector_blinded_by',
    help: '1 for the service because of which deadlines cannot be judged; kafka when none is heard',
    labelNames: ['blamed'],
    registers: [registry],
    collect() {
      this.reset();
      const { by } = sight();
      if (by !== null) this.set({ blamed: by }, 1);
    },
  });
  gauge('slipstream_open_slips', 'Live slips without a verdict', (now) => now.openSlips);
}

/** Whether what was dispatched comes back, as the one instance that watches it sees. */
export function registerReturns(registry: Registry, watched: () => readonly WatchedReturns[]): void {
  new Gauge({
    name: 'slipstream_returns_falling',
    help: '1 while too few outcomes come back of a provider on a route, told by the instance that watches',
    labelNames: ['provider', 'route'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { provider, route, falling } of watched()) this.set({ provider, route }, Number(falling));
    },
  });
}

/** What is known of cases and of the repair budget, at most some seconds old. */
export interface SeenCases {
  readonly cases: CaseCounts;
  readonly spent: Spent;
}

/** Cases that are open, and how much of the repair budget is used. */
export function registerCases(registry: Registry, rules: BudgetRules, seen: () => SeenCases): void {
  const gauge = (name: string, help: string, labelNames: string[], set: (gauge: Gauge) => void) =>
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        this.reset();
        set(this);
      },
    });
  gauge(
    'slipstream_cases_open',
    'Cases that are open, by each reason that is not resolved',
    ['reason'],
    (to) => {
      for (const [reason, count] of seen().cases.open) to.set({ reason }, count);
    },
  );
  gauge('slipstream_cases_escalated', 'Cases that are open for too long', [], (to) =>
    to.set(seen().cases.escalated),
  );
  gauge('slipstream_cases_oldest_seconds', 'How long the oldest open case has been open', [], (to) =>
    to.set(seen().cases.oldestS),
  );
  gauge(
    'slipstream_repair_budget_used_ratio',
    'How much of what refunds without people may take within an hour is taken; by currency, refunds for their number, or own_trouble for what we held up ourselves',
    ['of'],
    (to) => {
      const { spent } = seen();
      if (rules.countMax) to.set({ of: 'refunds' }, spent.count / rules.countMax);
      if (rules.ownTroubleMax) to.set({ of: 'own_trouble' }, spent.ownTrouble / rules.ownTroubleMax);
      for (const [currency, max] of rules.amountMax)
        to.set({ of: currency }, Number(spent.amounts.get(currency) ?? 0n) / Number(max));
    },
  );
}

/** Counts the stages that were told to take too long. */
export function lateStagesCounter(): {
  count(stage: string, point: string): void;
  register(registry: Registry): void;
} {
  const counter = new Counter({
    name: 'slipstream_late_stages_total',
    help: 'Slips whose stage took longer than their policy lets it, by stage and by the point that was passed',
    labelNames: ['stage', 'point'],
    registers: [],
  });
  // From 0 on: what first appears at 1 has not grown for whoever asks how much it grew, and the first late stage would be no alert.
  for (const stage of Object.keys(endedBy))
    for (const point of ['warn', 'act'] satisfies StagePoint[]) counter.inc({ stage, point }, 0);
  return {
    count: (stage, point) => counter.inc({ stage, point }),
    register: (registry) => registry.registerMetric(counter),
  };
}

/** Counts the events of types that only a newer release knows. */
export function unknownTypesCounter(): { count(events: number): void; register(registry: Registry): void } {
  const counter = new Counter({
    name: 'slipstream_reconciliation_unknown_event_types_total',
    help: 'Events of types that only a newer release knows: passed over',
    registers: [],
  });
  return { count: (events) => counter.inc(events), register: (registry) => registry.registerMetric(counter) };
}
