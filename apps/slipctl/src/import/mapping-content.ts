import { isCurrency, nameProblem } from '@slipstream/kernel';
import { accountProblem } from '@slipstream/slip';
import type { MappingProblem, Path } from './mapping-file.ts';

export const kinds = ['order', 'payout', 'payment'] as const;
export type Kind = (typeof kinds)[number];
export type Outcome = 'succeeded' | 'failed' | 'void';

/** A column of the file, or one value for every row. */
export type ValueSource = { readonly column: string } | { readonly value: string };

/** A mapping file as its schema guarantees it. */
export type Content = CommonContent & (WideContent | LongContent);

interface CommonContent {
  delimiter?: string;
  encoding?: string;
  empty?: string[];
  decimal?: '.' | ',';
  thousands?: string;
  zone?: ColumnOr<string>;
  zones?: Record<string, string>;
  /** Which of two equal readings of a clock that was set back; absent: neither is taken. */
  ambiguous?: 'earlier' | 'later';
  time_format?: string;
  reference: ColumnContent;
  account: SourceContent;
  counterparty: SourceContent;
  kind?: SourceContent;
  route?: SourceContent;
  amount?: { column: string; unit: 'minor' | 'major'; currency: SourceContent; fee?: ColumnContent };
  deadline: Partial<TimeColumnsContent> & { day?: 'end'; after?: string };
}

interface WideContent {
  layout: 'wide';
  submitted: TimeContent;
  acknowledged?: TimeContent;
  progress?: (TimeColumnsContent & { name?: string })[];
  returned: (TimeColumnsContent & { outcome: Outcome })[];
}

interface LongContent {
  layout: 'long';
  event: ColumnContent;
  time: TimeContent;
  submitted: string | string[];
  acknowledged?: string | string[];
  progress?: { event: string; name?: string }[];
  returned: { event: string; outcome: Outcome }[];
}

export interface TimeColumnsContent {
  column: string | string[];
  format?: string;
  /** The column that says the zone of this time. */
  zone?: string;
}
export type TimeContent = string | TimeColumnsContent;
export type ColumnContent = ColumnOr<string>;
type ColumnOr<T> = T | { column: string };
export type SourceContent = string | ValueSource;

export function columnOf(content: ColumnContent): string {
  return typeof content === 'string' ? content : content.column;
}

export function sourceOf(content: SourceContent): ValueSource {
  return typeof content === 'string' ? { column: content } : content;
}

export function isKind(value: string): value is Kind {
  return kinds.includes(value as Kind);
}

/** Values that no row could make right. */
export function valueProblems(mapping: Content): MappingProblem[] {
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
  check(['account'], mapping.account, accountProblem);
  check(['counterparty'], mapping.counterparty, accountProblem);
  check(['route'], mapping.route, nameProblem);
  check(['kind'], mapping.kind, (value) => (isKind(value) ? null : `must be one of ${kinds.join(', ')}`));
  check(['amount', 'currency'], mapping.amount?.currency, (value) =>
    isCurrency(value) ? null : 'must be the ISO 4217 code of a currency in use, in capitals',
  );
  const { column, after, day } = mapping.deadline;
  if ((column === undefined) === (after === undefined) || (after !== undefined && day !== undefined)) {
    problems.push({ path: ['deadline'], detail: 'deadline must have exactly one of column and after' });
  }
  if (mapping.thousands !== undefined && mapping.thousands === (mapping.decimal ?? '.')) {
    problems.push({ path: ['thousands'], detail: 'thousands and decimal cannot be the same sign' });
  }
  if (mapping.encoding !== undefined && !isEncoding(mapping.encoding)) {
    const examples = 'like utf-8, windows-1252 or gb18030';
    problems.push({
      path: ['encoding'],
      detail: `encoding ${mapping.encoding} is none that is known, ${examples}`,
    });
  }
  return problems;
}

function isEncoding(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}

/** Every column that a mapping reads, with its place in the mapping file. */
export function columnsOf(mapping: Content): { name: string; path: Path }[] {
  const columns: { name: string; path: Path }[] = [];
  const add = (path: Path, content: SourceContent | undefined) => {
    if (content === undefined) return;
    if (typeof content === 'string') columns.push({ name: content, path });
    else if ('column' in content) columns.push({ name: content.column, path: [...path, 'column'] });
  };
  const addTime = (path: Path, content: TimeContent | undefined) => {
    if (content === undefined) return;
    if (typeof content === 'string') return add(path, content);
    const { column, zone } = content;
    if (typeof column === 'string') add([...path, 'column'], column);
    else column.forEach((one, index) => void add([...path, 'column', index], one));
    add([...path, 'zone'], zone);
  };
  for (const key of ['reference', 'account', 'counterparty', 'kind', 'route'] as const) {
    add([key], mapping[key]);
  }
  if (typeof mapping.zone === 'object') add(['zone'], mapping.zone);
  if (mapping.deadline.column !== undefined)
    addTime(['deadline'], { ...mapping.deadline, column: mapping.deadline.column });
  if (mapping.amount) {
    add(['amount'], { column: mapping.amount.column });
    add(['amount', 'currency'], mapping.amount.currency);
    add(['amount', 'fee'], mapping.amount.fee);
  }
  if (mapping.layout === 'long') {
    add(['event'], mapping.event);
    addTime(['time'], mapping.time);
    return columns;
  }
  addTime(['submitted'], mapping.submitted);
  addTime(['acknowledged'], mapping.acknowledged);
  mapping.progress?.forEach((content, index) => void addTime(['progress', index], content));
  mapping.returned.forEach((content, index) => void addTime(['returned', index], content));
  return columns;
}
