import { type Instant, instantFromMs, instantToMs, toldSums } from '@slipstream/kernel';
import type { OpsEvent, PendingOpsEvent } from '@slipstream/slip';
import { type Finding, nothingReturned, ReturnsWatch } from '../../domain/returns/returns-watch.ts';
import { type ReturnsSettings, slotMs, slotOf } from '../../domain/returns/settings.ts';
import type { ReturnsStore, ReturnsTurn } from './ports.ts';
import type { SlotStep } from './tally.ts';

/** The state is kept after so much of the log's time, though nothing was found. */
const keepEveryMs = 30_000;
/** Of a log that is read from far behind, so much is folded in one transaction. */
const turnMs = 600_000;

export interface WatchReturnsParts {
  readonly store: ReturnsStore;
  readonly settings: ReturnsSettings;
  /** The same id for the same warning. */
  warningId(kind: Finding['kind'], provider: string, route: string, foundAt: Instant): string;
  log(message: string): void;
}

/** What this instance knows of the providers and routes that it watches; none while another one does. */
export interface WatchedReturns {
  readonly provider: string;
  readonly route: string;
  readonly falling: boolean;
}

/**
 * Follows what comes back, over all partitions, as far as all of them were read: so nothing that is found depends on which
 * instance read what when. Gives the round to be run again and again; it tells whether more is there to be folded.
 */
export function createReturnsWatch({ store, settings, warningId, log }: WatchReturnsParts) {
  let watch: ReturnsWatch | null = null;
  let version = 0;
  let keptAt = 0;
  let foldedThrough = -1;

  return {
    watched: (): WatchedReturns[] =>
      Object.values(watch?.state.lanes ?? {}).map(({ provider, route, falling }) => ({
        ...{ provider, route, falling: falling !== null },
      })),
    async round(): Promise<void> {
      if (!store.isOurs()) watch = null;
      const read = store.isOurs() ? await store.readThrough() : null;
      if (read === null) return;
      const through = slotOf(instantToMs(read)) - 1;
      // Nothing more was vouched for since all of it was folded.
      if (watch && through <= foldedThrough) return;
      if (watch && !(await store.anySteps(watch.state.slot, through))) {
        foldedThrough = through;
        return;
      }
      try {
        if (!(await store.inTurn((turn) => fold(turn, through)))) watch = null;
      } catch (error) {
        // What was folded was not kept.
        watch = null;
        throw error;
      }
    },
  };

  async function fold(turn: ReturnsTurn, through: number): Promise<void> {
    const kept = await turn.keptAfter(watch ? version : 0);
    if (kept || !watch) {
      watch = new ReturnsWatch(settings, kept?.state ?? nothingReturned());
      version = kept?.version ?? 0;
      keptAt = watch.state.slot;
    }
    const { state } = watch;
    const steps = await nextSteps(turn, state.slot, through);
    foldedThrough = through;
    if (steps.length === 0) return;
    // What was read from far behind, in parts that end with a slot.
    const until = Math.min(through, steps[0]!.slot + turnMs / slotMs);
    const bySlot = Map.groupBy(
      steps.filter(({ slot }) => slot <= until),
      ({ slot }) => slot,
    );
    foldedThrough = until;
    const events: PendingOpsEvent[] = [];
    for (const [slot, here] of [...bySlot].sort(([a], [b]) => a - b))
      for (const finding of watch.next(slot, here)) events.push(told(finding));
    if (events.length === 0 && state.slot - keptAt < keepEveryMs / slotMs) return;
    version += 1;
    keptAt = state.slot;
    turn.keep({ version, state });
    turn.publish(events);
    for (const { subject, event } of events) log(`${event.type}: ${subject}`);
  }

  /** Reads no more of a long way behind than is folded, but where nothing happened for longer than a turn. */
  async function nextSteps(turn: ReturnsTurn, after: number, through: number): Promise<readonly SlotStep[]> {
    for (let slots = turnMs / slotMs; ; slots *= 2) {
      const until = Math.min(through, after + slots);
      const steps = await turn.steps(after, until);
      if (steps.length > 0 || until === through) return steps;
    }
  }

  function told(finding: Finding): PendingOpsEvent {
    const { provider, route } = finding;
    const since = instantFromMs(finding.since);
    const id = warningId(finding.kind, provider, route, instantFromMs(finding.foundAt));
    return { subject: provider, id, event: eventOf(finding, since) };
  }

  function eventOf(finding: Finding, since: Instant): OpsEvent {
    const { provider, route } = finding;
    const foundAt = instantFromMs(finding.foundAt);
    if (finding.kind === 'recovered') {
      const falling = warningId('falling', provider, route, instantFromMs(finding.fellAt));
      const recoveredSince = instantFromMs(finding.recoveredSince);
      const { dispatched, seen } = finding;
      const data = { provider, route, falling, since, foundAt, recoveredSince, dispatched, seen };
      return { type: 'ReturnsRecovered', data };
    }
    const { forecast, eValueLog } = finding;
    return {
      type: 'ReturnsFalling',
      data: {
        ...{ provider, route, since, foundAt, dispatched: forecast.dispatched, seen: forecast.seen },
        expected: Math.round(forecast.expected),
        eValueLog10: Math.floor(eValueLog / Math.LN10),
        falseAlarmEveryDays: settings.falseAlarmEveryDays,
        forecastSlips: forecast.slips,
        forecastMoney: toldSums(
          Object.entries(forecast.money).map(([currency, amount]) => ({ amount: BigInt(amount), currency })),
        ),
        firstDeadline: instantFromMs(forecast.firstDue ?? finding.foundAt),
      },
    };
  }
}
