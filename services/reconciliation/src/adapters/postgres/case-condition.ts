import type { CaseFilter } from '../../application/reads.ts';
import type { Search } from './search.ts';

const statuses = { open: "c.status = 'open'", closed: "c.status = 'closed'" } as const;

/** Confines a search to the cases `case_file c` that a filter means. */
export function confineToCases(search: Search, filter: CaseFilter): void {
  const place = (value: unknown) => search.place(value);
  search.when(filter.status, (status) => statuses[status]);
  search.judge(filter.cause, (cause) => {
    const word = place(cause);
    return `(c.cause_class = ${word} or c.cause_code = ${word})`;
  });
  search.judge(filter.provider, (provider) => `c.provider = ${place(provider)}`);
  search.judge(filter.assignee, (assignee) => `c.assignee = ${place(assignee)}`);
  search.judge(filter.reason, (reason) => `${place(reason)} = any(c.reason_codes)`);
  search.judge(filter.unassigned, (is) => `c.assignee is ${is ? '' : 'not '}null`);
  search.judge(filter.escalated, (is) => `c.escalated_at is ${is ? 'not ' : ''}null`);
  search.judge(
    filter.minAgeS,
    (seconds) => `c.opened_at <= clock_timestamp() - make_interval(secs => ${place(seconds)}::int)`,
  );
  search.when(
    filter.incident,
    (incident) =>
      `exists (select 1 from missed_slip m where m.slip_id = c.slip_id and m.incident = ${place(incident)})`,
  );
}
