import type { Instant } from '@slipstream/kernel';
import { showTime } from '../output/show-time.ts';
import type { Collected, Oddities } from './collect.ts';
import type { FileCounts, SkippedRow } from './prepare.ts';

/** What `--json` prints about an import. */
export interface ImportSummary {
  readonly clock: string;
  readonly caller: string;
  readonly until: Instant;
  /** The clock of the import that this one corrects. */
  readonly replaces: string | null;
  readonly rows: number;
  /** Slips submitted; a second import of the file submits them again, and nothing changes. */
  readonly submitted: number;
  readonly messages: number;
  /** Slips submitted after `until`, left out. */
  readonly after_until: number;
  readonly reports_after_until: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly skipped_rows: readonly SkippedRow[];
  /** Of those skipped, the ones that speak of a slip, or may. */
  readonly skipped_of_slips: number;
  /** Slips imported without money: the file says zero or less. */
  readonly without_money: number;
  /** Slips about which the file contradicts itself; nothing of them was sent. */
  readonly undetermined: FileCounts['undetermined'];
  readonly unmapped_columns: readonly string[];
  /** Events without a meaning, and how often each came (layout long). */
  readonly unmapped_events: Readonly<Record<string, number>>;
  /** null without `--wait`. */
  readonly verdicts: Collected['verdicts'] | null;
  readonly refused: Oddities | null;
  readonly missing: Oddities | null;
  readonly contradictions: Oddities | null;
}

export interface SentCounts {
  readonly submitted: number;
  readonly messages: number;
  readonly afterUntil: number;
  readonly reportsAfterUntil: number;
}

export function summaryOf(
  of: { clock: string; caller: string; until: Instant; replaces: string | null },
  file: FileCounts,
  sent: SentCounts,
  collected: Collected | null,
): ImportSummary {
  return {
    ...of,
    rows: file.rows,
    submitted: sent.submitted,
    messages: sent.messages,
    after_until: sent.afterUntil,
    reports_after_until: sent.reportsAfterUntil,
    duplicates: file.duplicates,
    skipped: file.skipped,
    skipped_rows: file.skippedRows,
    skipped_of_slips: file.skippedOfSlips,
    without_money: file.withoutMoney,
    undetermined: file.undetermined,
    unmapped_columns: file.unmappedColumns,
    unmapped_events: Object.fromEntries(file.unmappedEvents),
    verdicts: collected?.verdicts ?? null,
    refused: collected?.refused ?? null,
    missing: collected?.missing ?? null,
    contradictions: collected?.contradictions ?? null,
  };
}

/** The answer is bad: a slip of the file was not imported, has no verdict, or one that cannot be right. */
export function isBad({ skipped_of_slips, ...summary }: ImportSummary): boolean {
  const { undetermined, refused, missing, contradictions } = summary;
  const odd = [undetermined, refused, missing, contradictions];
  return skipped_of_slips > 0 || odd.some((oddities) => oddities !== null && oddities.count > 0);
}

/** The summary in words, one line. */
export function tellSummary(summary: ImportSummary): string {
  const parts = [
    `clock ${summary.clock} at ${showTime(summary.until)}`,
    `${summary.rows} rows`,
    `${summary.submitted} slips in ${summary.messages} messages`,
  ];
  const add = (count: number | undefined, what: string) => {
    if (count) parts.push(`${count} ${what}`);
  };
  for (const [verdict, count] of Object.entries(summary.verdicts ?? {})) {
    parts.push(`${count} ${verdict.replaceAll('_', ' ')}`);
  }
  add(summary.after_until, 'submitted after the end, left out');
  add(summary.reports_after_until, 'reports after the end, left out');
  add(summary.duplicates, 'repeated rows');
  add(summary.skipped, `rows skipped (lines ${linesOf(summary)})`);
  add(summary.undetermined.count, 'undetermined: the file contradicts itself');
  add(summary.without_money, 'without money (an amount of zero or less)');
  add(summary.refused?.count, 'refused');
  add(summary.missing?.count, 'missing in the ledger');
  add(summary.contradictions?.count, 'verdicts that contradict their times');
  if (summary.unmapped_columns.length > 0) {
    parts.push(`columns not mapped: ${summary.unmapped_columns.join(', ')}`);
  }
  const unmapped = Object.entries(summary.unmapped_events);
  if (unmapped.length > 0) {
    const shown = unmapped.slice(0, linesShownMax).map(([event, count]) => `${event} (${count})`);
    parts.push(`events not mapped: ${shown.join(', ')}${unmapped.length > shown.length ? ', …' : ''}`);
  }
  return parts.join('; ');
}

const linesShownMax = 10;

function linesOf({ skipped, skipped_rows }: ImportSummary): string {
  const shown = skipped_rows.slice(0, linesShownMax).map(({ line }) => line);
  return `${shown.join(', ')}${skipped > shown.length ? ', …' : ''}`;
}
