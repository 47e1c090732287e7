import type { BookedSlip, MatchTerms } from './booked-slip.ts';
import type { Matching } from './breaks.ts';
import { isAboutSlip, matchNothing, matchSlip, matchTogether } from './match.ts';
import { resolve, type SlipIndex } from './resolve.ts';
import type { StatementLine } from './statement.ts';

/** Matches lines against the slips of an index; all lines about one slip must be among them. */
export function matchLines(lines: readonly StatementLine[], index: SlipIndex, terms: MatchTerms): Matching {
  const alone: Matching[] = [];
  const bySlip = new Map<string, { slip: BookedSlip; lines: StatementLine[] }>();
  for (const line of lines) {
    if (!isAboutSlip(line)) continue;
    const { slips, isAmbiguous } = resolve(line, index, terms);
    const [slip, ...others] = slips;
    if (slip === undefined) alone.push(matchNothing(line, isAmbiguous));
    else if (others.length > 0) alone.push(matchTogether(slips, line, terms));
    else {
      const group = bySlip.get(slip.slipId);
      if (group) group.lines.push(line);
      else bySlip.set(slip.slipId, { slip, lines: [line] });
    }
  }
  const matched = [...bySlip.values()].map((group) => matchSlip(group.slip, group.lines, terms));
  const all = [...alone, ...matched];
  return {
    matches: all.flatMap(({ matches }) => matches),
    breaks: all.flatMap(({ breaks }) => breaks),
    explained: all.flatMap(({ explained }) => explained),
    givenBack: all.flatMap(({ givenBack = [] }) => givenBack),
  };
}
