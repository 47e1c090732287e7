import { parseDuration } from '../duration.ts';
import type { CliError } from '../exit.ts';
import {
  type Content,
  columnOf,
  columnsOf,
  type Outcome,
  sourceOf,
  type TimeContent,
  type ValueSource,
  valueProblems,
} from './mapping-content.ts';
import { type MappingProblem, type Path, readMappingFile } from './mapping-file.ts';
import { TimeReader } from './times.ts';

/** How the bytes of the file become cells. */
export interface Dialect {
  readonly delimiter: string;
  readonly encoding: string;
  /** Words that stand in a cell that has nothing to say. */
  readonly empty: ReadonlySet<string>;
  readonly decimal: '.' | ',';
  readonly thousands: string | null;
}

/** The cells that make one time. */
export interface TimeCells {
  /** Joined by a space. */
  readonly columns: readonly string[];
  /** null: the file's own. */
  readonly format: string | null;
  /** The column that says the zone; null: the file's own. */
  readonly zone: string | null;
}

/** What an event of a file with a row per event means. */
export type Meaning =
  | { readonly step: 'submitted' | 'acknowledged' }
  | { readonly step: 'progressed'; readonly name: string }
  | { readonly step: 'returned'; readonly outcome: Outcome };

/** A row per slip. */
export interface WideLayout {
  readonly name: 'wide';
  readonly submitted: TimeCells;
  readonly acknowledged: TimeCells | null;
  readonly progress: readonly (TimeCells & { readonly name: string })[];
  readonly returned: readonly (TimeCells & { readonly outcome: Outcome })[];
}

/** A row per event. */
export interface LongLayout {
  readonly name: 'long';
  readonly event: string;
  readonly time: TimeCells;
  /** By the name of the event, as the file says it. Of two answers of one moment, the one named first here counts. */
  readonly meanings: ReadonlyMap<string, Meaning>;
}

/** How the columns of a file are read. */
export interface Mapping {
  readonly layout: WideLayout | LongLayout;
  readonly dialect: Dialect;
  readonly reference: string;
  readonly account: ValueSource;
  readonly counterparty: ValueSource;
  readonly kind: ValueSource;
  readonly route: ValueSource;
  readonly amount: AmountMapping | null;
  readonly deadline: (TimeCells & { readonly endOfDay: boolean }) | { readonly afterMs: number };
  readonly times: TimeReader;
  /** Names the submission in the ids of its messages. */
  readonly submittedName: string;
  /** Every column it reads, with its place in the mapping file. */
  readonly columns: readonly { readonly name: string; readonly path: Path }[];
  refuse(problems: readonly MappingProblem[]): CliError;
}

export interface AmountMapping {
  readonly column: string;
  readonly unit: 'minor' | 'major';
  readonly currency: ValueSource;
  readonly fee: string | null;
}

/** Reads a mapping. @throws CliError (usage) with `file:line:column` of everything that is wrong */
export function parseMapping(text: string, file: string): Mapping {
  const { content, refuse } = readMappingFile(text, file);
  const mapping = content as Content;
  const times = new TimeReader(mapping);
  const { deadline } = mapping;
  const afterMs = deadline.after === undefined ? 0 : parseDuration(deadline.after);
  const problems = [...valueProblems(mapping), ...times.problems(), ...eventProblems(mapping)];
  if (afterMs === null) {
    const detail = 'deadline.after must be a duration such as 90s, 30m, 72h or 3d';
    problems.push({ path: ['deadline', 'after'], detail });
  }
  if (problems.length > 0) throw refuse(problems);
  return {
    layout: mapping.layout === 'long' ? longLayout(mapping) : wideLayout(mapping),
    dialect: dialectOf(mapping),
    reference: columnOf(mapping.reference),
    account: sourceOf(mapping.account),
    counterparty: sourceOf(mapping.counterparty),
    kind: sourceOf(mapping.kind ?? { value: 'order' }),
    route: sourceOf(mapping.route ?? { value: 'import' }),
    amount: mapping.amount
      ? {
          ...mapping.amount,
          currency: sourceOf(mapping.amount.currency),
          fee: mapping.amount.fee === undefined ? null : columnOf(mapping.amount.fee),
        }
      : null,
    deadline:
      deadline.column === undefined
        ? { afterMs: afterMs ?? 0 }
        : { ...cellsOf({ ...deadline, column: deadline.column }), endOfDay: deadline.day === 'end' },
    times,
    submittedName: mapping.layout === 'long' ? 'submitted' : cellsOf(mapping.submitted).columns.join(' '),
    columns: columnsOf(mapping),
    refuse,
  };
}

function dialectOf({ delimiter, encoding, empty, decimal, thousands }: Content): Dialect {
  return {
    delimiter: delimiter ?? ',',
    encoding: encoding ?? 'utf-8',
    empty: new Set(empty ?? []),
    decimal: decimal ?? '.',
    thousands: thousands ?? null,
  };
}

function cellsOf(content: TimeContent): TimeCells {
  if (typeof content === 'string') return { columns: [content], format: null, zone: null };
  const { column, format, zone } = content;
  return {
    columns: typeof column === 'string' ? [column] : column,
    format: format ?? null,
    zone: zone ?? null,
  };
}

function wideLayout(mapping: Extract<Content, { layout: 'wide' }>): WideLayout {
  return {
    name: 'wide',
    submitted: cellsOf(mapping.submitted),
    acknowledged: mapping.acknowledged === undefined ? null : cellsOf(mapping.acknowledged),
    progress: (mapping.progress ?? []).map((content) => {
      const cells = cellsOf(content);
      return { ...cells, name: content.name ?? cells.columns.join(' ') };
    }),
    returned: mapping.returned.map((content) => ({ ...cellsOf(content), outcome: content.outcome })),
  };
}

function longLayout(mapping: Extract<Content, { layout: 'long' }>): LongLayout {
  return {
    name: 'long',
    event: columnOf(mapping.event),
    time: cellsOf(mapping.time),
    meanings: new Map(meaningsOf(mapping).map(({ event, meaning }) => [event, meaning])),
  };
}

type NamedMeaning = { readonly event: string; readonly meaning: Meaning; readonly path: Path };

function meaningsOf(mapping: Extract<Content, { layout: 'long' }>): NamedMeaning[] {
  const plain = (step: 'submitted' | 'acknowledged'): NamedMeaning[] => {
    const names = mapping[step] ?? [];
    if (typeof names === 'string') return [{ event: names, meaning: { step }, path: [step] }];
    return names.map((event, index) => ({ event, meaning: { step }, path: [step, index] }));
  };
  return [
    ...plain('submitted'),
    ...plain('acknowledged'),
    ...(mapping.progress ?? []).map(({ event, name }, index): NamedMeaning => {
      const path = ['progress', index, 'event'];
      return { event, meaning: { step: 'progressed', name: name ?? event }, path };
    }),
    ...mapping.returned.map(({ event, outcome }, index): NamedMeaning => {
      return { event, meaning: { step: 'returned', outcome }, path: ['returned', index, 'event'] };
    }),
  ];
}

/** An event that means two things would mean one of them by chance. */
function eventProblems(mapping: Content): MappingProblem[] {
  if (mapping.layout !== 'long') return [];
  const seen = new Set<string>();
  return meaningsOf(mapping).flatMap(({ event, path }) => {
    if (seen.has(event)) return [{ path, detail: `the event ${event} has a meaning already` }];
    seen.add(event);
    return [];
  });
}
