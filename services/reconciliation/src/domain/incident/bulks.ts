import { bulkSpanMs } from '../repair/own-trouble.ts';
import type { Segment } from './segments.ts';

/** Slips whose refunds were withheld together because our own trouble kept many from being sent. */
export interface Withheld {
  /** The first and the last of these moments, in milliseconds. */
  readonly first: number;
  readonly last: number;
  /** The slots in which the first and the last of these slips were submitted. */
  readonly from: number;
  readonly until: number;
}

/**
 * The bulks of our own trouble, by when their slips were submitted. What is withheld within the time in which slips are counted as one
 * trouble is one, however far apart they were submitted, and however much went well beside them: people decide about it at once.
 */
export function bulksOf(withheld: readonly Withheld[]): Segment[] {
  const bulks: Withheld[] = [];
  for (const next of withheld.toSorted((a, b) => a.first - b.first)) {
    const bulk = bulks.at(-1);
    if (bulk === undefined || next.first - bulk.last > bulkSpanMs) bulks.push(next);
    else bulks.splice(-1, 1, joined(bulk, next));
  }
  return bulks.map(({ from, until }) => ({ from, until }));
}

function joined(a: Withheld, b: Withheld): Withheld {
  return {
    ...{ first: a.first, last: Math.max(a.last, b.last) },
    ...{ from: Math.min(a.from, b.from), until: Math.max(a.until, b.until) },
  };
}
