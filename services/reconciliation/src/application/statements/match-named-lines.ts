import type { BreakType, FoundBreak } from '../../domain/statement/breaks.ts';
import { matchSlip } from '../../domain/statement/match.ts';
import { indexOf, resolve } from '../../domain/statement/resolve.ts';
import { isPaidUp, toldOf } from './match-statements.ts';
import type { KeptSlip, NamedLine, NamedMatch, StatementSource, StatementStore } from './ports.ts';

const linesMax = 100;

/** With these alone a line is that of the slip: what the line says is to be its outcome, however late. */
const expectedBreaks: ReadonlySet<BreakType> = new Set(['status', 'late']);

/**
 * Holds lines that were of no slip against slips that became known since by the name that they have: the slip was submitted later, or the
 * provider's name for it was told later. Where line and slip go together the line is evidence, and its break closes itself; what else
 * differs is left to people. The statement's own bridge stays as it was.
 * @returns whether there may be more
 */
export function matchNamedLines(
  store: StatementStore,
  sources: ReadonlyMap<string, StatementSource>,
): Promise<boolean> {
  return store.match(async (turn) => {
    const lines = await turn.namedLines([...sources.keys()], linesMax);
    const matches: NamedMatch[] = [];
    for (const [provider, named] of Map.groupBy(lines, ({ statement }) => statement.provider)) {
      const references = named.flatMap(({ line }) => line.references);
      const theirs = named.flatMap(({ line }) => line.providerReference ?? []);
      const slips = await turn.named(provider, [...new Set(references)], theirs);
      // Two lines about one slip are one after the other: the second sees what the first told.
      const taken = new Set<string>();
      for (const one of named) {
        const found = find(one, slips, sources.get(one.statement.source)!);
        if (found !== null && taken.has(found.slip.slipId)) continue;
        if (found !== null) taken.add(found.slip.slipId);
        matches.push({ named: one, found });
      }
    }
    await turn.keepNamed(matches);
    return lines.length > 0;
  });
}

function find(
  { line }: NamedLine,
  slips: readonly KeptSlip[],
  { terms }: StatementSource,
): NamedMatch['found'] {
  const [meant, ...others] = resolve(line, indexOf(slips), terms).slips;
  const slip = others.length > 0 ? undefined : slips.find(({ slipId }) => slipId === meant?.slipId);
  if (slip === undefined) return null;
  const matching = matchSlip(slip, [line], terms);
  const told = toldOf(matching);
  const isExpected = ({ type, isRepaired }: FoundBreak) =>
    expectedBreaks.has(type) ||
    (type === 'amount' && isRepaired === true && isPaidUp(slip, told.paid, terms));
  return matching.breaks.every(isExpected) ? { slip, matching, told } : null;
}
