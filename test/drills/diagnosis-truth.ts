import type { CauseClass } from '@slipstream/slip';
import { type Label, rightClasses } from './diagnosis-labels.ts';

/** What was said of a slip whose faults are known. */
export interface Diagnosed {
  readonly faults: readonly Label[];
  /** Whether anything has to be explained: its deadline was missed, or it was refused. */
  readonly missed: boolean;
  readonly said: { readonly class: CauseClass; readonly code: string } | null;
}

/** One line of the confusion matrix: what was said of all slips that met these faults. */
export interface MatrixRow {
  readonly faults: string;
  readonly slips: number;
  readonly in_time: number;
  readonly right: number;
  readonly wrong: number;
  /** "undetermined", or nothing where something had to be said. */
  readonly unsaid: number;
  /** By class and code, the most frequent first. */
  readonly said: Readonly<Record<string, number>>;
}

export interface Confusion {
  readonly matrix: readonly MatrixRow[];
  /** Of slips with something to be explained. */
  readonly all: number;
  readonly right: number;
  readonly wrong: number;
  readonly unsaid: number;
  /** Of those with two faults. */
  readonly overlapping: number;
  readonly holds: boolean;
}

const rightShareMin = 0.95;
const wrongShareMax = 0.01;

export function confusionOf(slips: readonly Diagnosed[]): Confusion {
  const groups = Map.groupBy(slips, ({ faults }) => faults.join(' + '));
  const matrix = [...groups].map(([faults, own]) => rowOf(faults, own)).sort(byName);
  const sum = (of: (row: MatrixRow) => number) => matrix.reduce((total, row) => total + of(row), 0);
  const counts = { right: sum(({ right }) => right), wrong: sum(({ wrong }) => wrong) };
  const unsaid = sum((row) => row.unsaid);
  const all = counts.right + counts.wrong + unsaid;
  const overlapping = slips.filter((slip) => verdictOf(slip) !== 'in_time' && slip.faults.length > 1).length;
  const holds = all > 0 && counts.right >= rightShareMin * all && counts.wrong <= wrongShareMax * all;
  return { matrix, all, ...counts, unsaid, overlapping, holds };
}

function rowOf(faults: string, slips: readonly Diagnosed[]): MatrixRow {
  const count = (verdict: Verdict) => slips.filter((slip) => verdictOf(slip) === verdict).length;
  const said = Map.groupBy(
    slips.filter((slip) => verdictOf(slip) !== 'in_time'),
    (slip) => (slip.said === null ? 'nothing' : `${slip.said.class}/${slip.said.code}`),
  );
  const counts = [...said].map(([code, own]) => [code, own.length] as const);
  return {
    ...{ faults, slips: slips.length, in_time: count('in_time') },
    ...{ right: count('right'), wrong: count('wrong'), unsaid: count('unsaid') },
    said: Object.fromEntries(counts.sort((a, b) => b[1] - a[1])),
  };
}

type Verdict = 'in_time' | 'right' | 'wrong' | 'unsaid';

function verdictOf({ faults, missed, said }: Diagnosed): Verdict {
  if (said === null) return missed ? 'unsaid' : 'in_time';
  if (said.class === 'undetermined') return 'unsaid';
  return rightClasses(faults).has(said.class) ? 'right' : 'wrong';
}

function byName(a: MatrixRow, b: MatrixRow): number {
  return a.faults < b.faults ? -1 : 1;
}
