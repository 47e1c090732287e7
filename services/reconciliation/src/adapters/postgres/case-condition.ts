import type { CaseFilter } from '../../application/reads.ts';
import { meant } from '../../application/words.ts';
import type { Search } from './search.ts';

const statuses = { open: "c.status = 'open'", closed: "c.status = 'closed'" } as const;
const allStatuses = ['open', 'closed'] as const;

/** Confines a search to the cases `case_file c` that a filter means. */
export function confineToCases(search: Search, filter: CaseFilter): void {
  const place = (value: unknown) => search.place(value);
  const [status, other] = meant(filter.status, allStatuses);
  if (status === undefined) search.where('false');
  else if (other === undefined) search.where(statuses[status]);
  search.judgeWords(filter.cause, (words) => {
    const any = search.anyOf(words);
    return `c.cause_class = ${any} or c.cause_code = ${any}`;
  });
  search.judgeWords(filter.provider, (words) => `c.provider = ${search.anyOf(words)}`);
  search.judgeWords(filter.assignee, (words) => `c.assignee = ${search.anyOf(words)}`);
  search.judgeWords(filter.reason, (words) => `c.reason_codes && ${search.place(words)}::text[]`);
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
