import { type BookedSlip, expectedOf, isWithin, type MatchTerms } from './booked-slip.ts';
import type { StatementLine } from './statement.ts';

/** Where slips are found by their names. */
export interface SlipIndex {
  byProviderReference(reference: string): readonly BookedSlip[];
  /** By our reference, or by the slip's id. */
  byReference(reference: string): readonly BookedSlip[];
}

export interface Resolved {
  /** Several: one movement for all of them. */
  readonly slips: readonly BookedSlip[];
  /** A reference names more than one, and amount and currency do not tell which is meant. */
  readonly isAmbiguous: boolean;
}

/**
 * Which slips a line is about. A name must be there: an amount alone, however rare, is no evidence of the first rank. Where two slips have
 * one name (references are unique per caller), amount and currency tell which; else neither is touched.
 */
export function resolve(line: StatementLine, index: SlipIndex, terms: MatchTerms): Resolved {
  if (line.providerReference !== null) {
    const [slip, ...others] = index.byProviderReference(line.providerReference);
    if (slip && others.length === 0) return { slips: [slip], isAmbiguous: false };
  }
  const slips = new Map<string, BookedSlip>();
  for (const reference of line.references) {
    const found = index.byReference(reference);
    const meant = found.length > 1 ? found.filter((slip) => fits(line, slip, terms)) : found;
    if (found.length > 1 && meant.length !== 1) return { slips: [], isAmbiguous: true };
    for (const slip of meant) slips.set(slip.slipId, slip);
  }
  return { slips: [...slips.values()], isAmbiguous: false };
}

function fits({ gross, currency }: StatementLine, slip: BookedSlip, terms: MatchTerms): boolean {
  const expected = expectedOf(slip);
  if (expected === null || slip.amount?.currency !== currency) return false;
  return isWithin(gross, expected, currency, terms) || isWithin(gross, -expected, currency, terms);
}

/** An index of slips in memory. */
export function indexOf(slips: readonly BookedSlip[]): SlipIndex {
  const named = new Map<string, BookedSlip[]>();
  const theirs = new Map<string, BookedSlip[]>();
  const put = (map: Map<string, BookedSlip[]>, key: string, slip: BookedSlip) => {
    const at = map.get(key);
    if (!at) map.set(key, [slip]);
    else if (!at.includes(slip)) at.push(slip);
  };
  for (const slip of slips) {
    put(named, slip.slipId, slip);
    put(named, slip.reference, slip);
    if (slip.providerReference !== null) put(theirs, slip.providerReference, slip);
  }
  return {
    byProviderReference: (reference) => theirs.get(reference) ?? [],
    byReference: (reference) => named.get(reference) ?? [],
  };
}
