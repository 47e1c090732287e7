import { isCurrency, nameProblem } from '@slipstream/kernel';
import { parseDuration } from '../duration.ts';
import type { CliError } from '../exit.ts';
import { type MappingProblem, type Path, readMappingFile } from './mapping-file.ts';
import { parserOf, type TimeParser, timeFormatDefault } from './times.ts';

export const kinds = ['order', 'payout', 'payment'] as const;
export type Kind = (typeof kinds)[number];
export type Outcome = 'succeeded' | 'failed' | 'void';

/** A column of the file, or one value for every row. */
export type ValueSource = { readonly column: string } | { readonly value: string };

/** How the columns of a file with a row per slip are read. */
export interface Mapping {
  readonly reference: string;
  readonly account: ValueSource;
  readonly counterparty: ValueSource;
  readonly kind: ValueSource;
  readonly route: ValueSource;
  readonly amount: AmountMapping | null;
  readonly submitted: string;
  readonly acknowledged: string | null;
  readonly progress: readonly { readonly column: string; readonly name: string }[];
  readonly returned: readonly { readonly column: string; readonly outcome: Outcome }[];
  readonly deadline: { readonly column: string } | { readonly afterMs: number };
  readonly parseTime: TimeParser;
  /** Every column it reads, with its place in the mapping file. */
  readonly columns: readonly { readonly name: string; readonly path: Path }[];
  refuse(problems: readonly MappingProblem[]): CliError;
}

export interface AmountMapping {
  readonly column: string;
  readonly unit: 'minor' | 'major';
  readonly currency: ValueSource;
}

/** The file as its schema guarantees it. */
interface Content {
  zone?: string;
  time_format?: string;
  reference: ColumnContent;
  account: SourceContent;
  counterparty: SourceContent;
  kind?: SourceContent;
  route?: SourceContent;
  amount?: { column: string; unit: 'minor' | 'major'; currency: SourceContent };
  submitted: ColumnContent;
  acknowledged?: ColumnContent;
  progress?: { column: string; name?: string }[];
  returned: { column: string; outcome: Outcome }[];
  deadline: { column: string } | { after: string };
}
type ColumnContent = string | { column: string };
type SourceContent = string | ValueSource;

/** Reads a mapping. @throws CliError (usage) with `file:line:column` of everything that is wrong */
export function parseMapping(text: string, file: string): Mapping {
  const { content, refuse } = readMappingFile(text, file);
  const mapping = content as Content;
  const zone = mapping.zone ?? 'UTC';
  const parseTime = parserOf(mapping.time_format ?? timeFormatDefault, zone);
  const problems = valueProblems(mapping);
  if ('problem' in parseTime) problems.push({ path: [parseTime.of], detail: parseTime.problem });
  const afterMs = 'after' in mapping.deadline ? parseDuration(mapping.deadline.after) : 0;
  if (afterMs === null) {
    problems.push({
      path: ['deadline', 'after'],
      detail: 'deadline.after must be a duration such as 90s, 30m, 72h or 3d',
    });
  }
  if (problems.length > 0 || 'problem' in parseTime) throw refuse(problems);
  return {
    reference: columnOf(mapping.reference),
    account: sourceOf(mapping.account),
    counterparty: sourceOf(mapping.counterparty),
    kind: sourceOf(mapping.kind ?? { value: 'order' }),
    route: sourceOf(mapping.route ?? { value: 'import' }),
    amount: mapping.amount ? { ...mapping.amount, currency: sourceOf(mapping.amount.currency) } : null,
    submitted: columnOf(mapping.submitted),
    acknowledged: mapping.acknowledged === undefined ? null : columnOf(mapping.acknowledged),
    progress: (mapping.progress ?? []).map(({ column, name }) => ({ column, name: name ?? column })),
    returned: mapping.returned,
    deadline: 'column' in mapping.deadline ? mapping.deadline : { afterMs: afterMs ?? 0 },
    parseTime,
    columns: columnsOf(mapping),
    refuse,
  };
}

function columnOf(content: ColumnContent): string {
  return typeof content === 'string' ? content : content.column;
}

function sourceOf(content: SourceContent): ValueSource {
  return typeof content === 'string' ? { column: content } : content;
}

/** Values that no row could make right. */
function valueProblems(mapping: Content): MappingProblem[] {
  const problems: MappingProblem[] = [];
  const check = (
    path: Path,
    content: SourceContent | undefined,
    problem: (value: string) => string | null,
  ) => {
    if (typeof content !== 'object' || !('value' in content)) return;
    const detail = problem(content.value);
    if (detail !== null) problems.push({ path: [...path, 'value'], detail: `${path.join('.')} ${detail}` });
  };
  check(['account'], mapping.account, nameProblem);
  check(['counterparty'], mapping.counterparty, nameProblem);
  check(['route'], mapping.route, nameProblem);
  check(['kind'], mapping.kind, (value) => (isKind(value) ? null : `must be one of ${kinds.join(', ')}`));
  check(['amount', 'currency'], mapping.amount?.currency, (value) =>
    isCurrency(value) ? null : 'must be the ISO 4217 code of a currency in use, in capitals',
  );
  return problems;
}

export function isKind(value: string): value is Kind {
  return kinds.includes(value as Kind);
}

function columnsOf(mapping: Content): { name: string; path: Path }[] {
  const columns: { name: string; path: Path }[] = [];
  const add = (path: Path, content: SourceContent | { after: string } | undefined) => {
    if (content === undefined) return;
    if (typeof content === 'string') columns.push({ name: content, path });
    else if ('column' in content) columns.push({ name: content.column, path: [...path, 'column'] });
  };
  for (const key of ['reference', 'account', 'counterparty', 'kind', 'route', 'submitted'] as const) {
    add([key], mapping[key]);
  }
  add(['acknowledged'], mapping.acknowledged);
  add(['deadline'], mapping.deadline);
  if (mapping.amount) {
    add(['amount'], { column: mapping.amount.column });
    add(['amount', 'currency'], mapping.amount.currency);
  }
  mapping.progress?.forEach(({ column }, index) => {
    add(['progress', index], { column });
  });
  mapping.returned.forEach(({ column }, index) => {
    add(['returned', index], { column });
  });
  return columns;
}
