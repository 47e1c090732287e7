import { readList } from './read-list.ts';

/** A slip as the ledger shows it; only what the table needs. */
export interface ShownSlip {
  readonly id: string;
  readonly reference: string;
  readonly provider: string | null;
  readonly status: string;
  readonly overdue: boolean;
  readonly dispatched_at: string | null;
  readonly deadline: string | null;
  readonly returned_at: string | null;
  readonly case: { readonly status: string } | null;
  readonly cause: { readonly class: string } | null;
}

const ended = new Set(['settled', 'refunded', 'rejected', 'declined', 'expired', 'withdrawn', 'conflicted']);

/** Nothing more will happen to it by itself. */
export function hasEnded(slip: ShownSlip): boolean {
  return ended.has(slip.status) || slip.case?.status === 'open';
}

/** Reads every slip submitted since `since`. */
export function readSlips(ledgerUrl: string, token: string, since: string): Promise<ShownSlip[]> {
  const url = new URL('/v1/slips', ledgerUrl);
  url.searchParams.set('submitted_from', since);
  url.searchParams.set('sort', 'submitted_at');
  return readList(url, token);
}

const columns = [
  'slips',
  'in time',
  'overdue',
  'recovered',
  'not returned',
  'refunded',
  'open cases',
] as const;

/** The live table: one row per provider. */
export function renderTable(slips: readonly ShownSlip[]): string {
  const providers = [...new Set(slips.map((slip) => slip.provider ?? '-'))].sort();
  const rows = [...providers, 'all'].map((provider) => {
    const own = provider === 'all' ? slips : slips.filter((slip) => (slip.provider ?? '-') === provider);
    return [provider, ...counts(own).map(String)];
  });
  const lines = [['provider', ...columns], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}

function counts(slips: readonly ShownSlip[]): number[] {
  const count = (matches: (slip: ShownSlip) => boolean) => slips.filter(matches).length;
  return [
    slips.length,
    count((slip) => slip.returned_at !== null && !slip.overdue),
    count((slip) => slip.overdue),
    count((slip) => slip.overdue && slip.returned_at !== null),
    count((slip) => slip.overdue && slip.returned_at === null && slip.status !== 'overdue'),
    count((slip) => slip.status === 'refunded'),
    count((slip) => slip.case?.status === 'open'),
  ];
}
