import type { OpsEvent, PendingOpsEvent } from '@slipstream/slip';
import { bulksOf } from '../../domain/incident/bulks.ts';
import { decideIncidents, ownSide, type Side } from '../../domain/incident/decide.ts';
import { segmentsOf } from '../../domain/incident/segments.ts';
import type { IncidentStore, IncidentsTurn, Tallied } from './ports.ts';

export interface WatchIncidentsParts {
  readonly store: IncidentStore;
  newId(): string;
  log(message: string): void;
}

/** Gathers missed slips into incidents, and closes those of which nothing is open. Gives the round to be run again and again. */
export function createIncidentsWatch({ store, newId, log }: WatchIncidentsParts): () => Promise<void> {
  let seen: string | null = null;

  return async () => {
    if (!store.isOurs()) {
      seen = null;
      return;
    }
    const changed = await store.changed();
    if (changed === seen) return;
    // What another instance decides, or what is lost with its commit, is decided again.
    seen = (await store.inTurn(decide)) ? changed : null;
  };

  async function decide(turn: IncidentsTurn): Promise<void> {
    const { known, slots, warnings, withheld } = await turn.evidence();
    const segments = new Map([...slots].map(([side, all]) => [side, segmentsOf(all)]));
    if (withheld.length > 0) segments.set(ownSide, [...(segments.get(ownSide) ?? []), ...bulksOf(withheld)]);
    const events: PendingOpsEvent[] = [];
    for (const { incident, change, merged } of decideIncidents(known, segments, warnings, newId)) {
      const kept = await turn.keep(incident, merged);
      if (change === 'opened') events.push(opened(kept.now));
      for (const one of kept.merged) events.push(closed(one, incident.id));
    }
    const standing = warnings.map(({ id }) => id);
    for (const one of await turn.closeEnded(standing)) events.push(closed(one, null));
    if (events.length > 0) turn.publish(events);
    for (const { event, subject } of events) log(`${event.type}: ${subject}`);
  }
}

function opened(tallied: Tallied): PendingOpsEvent {
  const { slips, atRisk } = tallied;
  const { warnings } = tallied.incident;
  const data = { ...headOf(tallied), slips, atRisk, warnings, blindSince: null, blindBy: null };
  return told(tallied, { type: 'IncidentOpened', data });
}

function closed(tallied: Tallied, mergedInto: string | null): PendingOpsEvent {
  const { slips, returned, refunded } = tallied;
  return told(tallied, {
    type: 'IncidentClosed',
    data: { ...headOf(tallied), slips, returned, refunded, mergedInto },
  });
}

function headOf({ incident, since, until }: Tallied) {
  return { incident: incident.id, provider: providerOf(incident.side), since, until };
}

function providerOf(side: Side): string | null {
  return side === ownSide ? null : side;
}

function told({ incident }: Tallied, event: OpsEvent): PendingOpsEvent {
  return { subject: incident.id, event };
}
