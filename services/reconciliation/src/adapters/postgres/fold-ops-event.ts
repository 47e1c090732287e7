import type { RecordedOpsEvent } from '@slipstream/contracts';
import type { Tx } from '@slipstream/postgres';
import { ownSide } from '../../domain/incident/decide.ts';
import { foldStatementOpsEvent } from './fold-statement-event.ts';

const openIncidentSql = `
insert into incident (id, side, since, until, opened_at, warnings, blind_since, blind_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (id) do update set closed_at = null, since = least(incident.since, excluded.since),
  until = greatest(incident.until, excluded.until), warnings = excluded.warnings`;

const closeIncidentSql = `
update incident set closed_at = $2, since = $3, until = $4, merged_into = $5 where id = $1`;

/** Slips that missed their deadlines belong to the incident again in which they were. */
const takeInSql = `
update missed_slip m set incident = i.id from incident i
 where m.incident is null and i.side = m.side and i.blind_since is null and i.merged_into is null
   and m.at >= i.since and m.at < i.until + interval '1 s'`;

const blindSql = `
insert into said_blind (instance, service, why, since) values ($1, $2, $3, $4)
on conflict (instance) do update set service = excluded.service, why = excluded.why, since = excluded.since`;

/** Writes what an operations event of our own says into a database that lacks it: what was told is not told again. */
export async function foldOpsEvent(tx: Tx, recorded: RecordedOpsEvent): Promise<void> {
  const { event, time } = recorded;
  switch (event.type) {
    case 'IncidentOpened': {
      const { incident, provider, since, until, warnings, blindSince, blindBy } = event.data;
      const about = [incident, provider ?? ownSide, since, until, time, JSON.stringify(warnings)];
      tx.send(openIncidentSql, [...about, blindSince, blindBy]);
      joinIncidents(tx);
      return;
    }
    case 'IncidentClosed': {
      const { incident, since, until, mergedInto } = event.data;
      tx.send(closeIncidentSql, [incident, time, since, until, mergedInto]);
      joinIncidents(tx);
      return;
    }
    case 'DetectorBlinded': {
      const { instance, service, why, since } = event.data;
      tx.send(blindSql, [instance, service, why, since]);
      return;
    }
    case 'DetectorRestored':
      tx.send('delete from said_blind where instance = $1', [event.data.instance]);
      return;
    default:
      foldStatementOpsEvent(tx, recorded);
  }
}

/** After slips or incidents were folded back, whichever came first. */
export function joinIncidents(tx: Tx): void {
  tx.send(takeInSql);
}
