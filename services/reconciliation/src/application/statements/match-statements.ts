import type { Matching } from '../../domain/statement/breaks.ts';
import { plusDays } from '../../domain/statement/day.ts';
import {
  isAboutSlip,
  matchNothing,
  matchSlip,
  matchTogether,
  missingThere,
} from '../../domain/statement/match.ts';
import { indexOf, resolve } from '../../domain/statement/resolve.ts';
import type {
  KeptLine,
  KeptSlip,
  Matched,
  MatchingStatement,
  MatchTurn,
  StatementSource,
  StatementStore,
} from './ports.ts';

const linesMax = 1_000;
const slipsMax = 500;

/**
 * Matches the next page of the oldest statement that waits: first each line is told its slip, then each slip its lines, then what is in no
 * statement. A page is one transaction with its progress, so whoever goes on after a crash goes on there. One that fails is put off, so that
 * no other provider's statements wait for it.
 * @returns whether there was anything to do
 */
export async function matchStatements(
  store: StatementStore,
  sources: ReadonlyMap<string, StatementSource>,
): Promise<boolean> {
  const claimed: MatchingStatement[] = [];
  try {
    return await store.match(async (turn) => {
      const statement = await turn.claim([...sources.keys()]);
      if (statement === null) return false;
      claimed.push(statement);
      const { terms } = sources.get(statement.source)!;
      if (statement.phase === 'lines') await tellLines(turn, statement, terms);
      else if (statement.phase === 'slips') await tellSlips(turn, statement, terms);
      else await tellMissing(turn, statement, terms);
      return true;
    });
  } catch (error) {
    const [statement] = claimed;
    if (statement === undefined) throw error;
    await store.putOff(statement, error);
    return true;
  }
}

type Terms = StatementSource['terms'];

async function tellLines(turn: MatchTurn, statement: MatchingStatement, terms: Terms): Promise<void> {
  const lines = await turn.linesAfter(statement, linesMax);
  const last = lines.at(-1);
  if (last === undefined) return turn.advance(statement, { phase: 'slips', afterN: 0, afterSlip: '' });
  const about = lines.filter(isAboutSlip);
  const theirs = about.flatMap(({ providerReference }) => providerReference ?? []);
  const slips = await turn.named(
    statement.provider,
    [...new Set(about.flatMap(({ references }) => references))],
    theirs,
  );
  const index = indexOf(slips);
  const matchings: Matching[] = [];
  const single: { n: number; slipId: string }[] = [];
  const told = new Map<string, { paid: bigint; cameBack: bigint }>();
  for (const line of about) {
    const found = resolve(line, index, terms);
    const [slip, ...others] = found.slips;
    single.push({ n: line.n, slipId: slip && others.length === 0 ? slip.slipId : '' });
    if (slip === undefined) matchings.push(matchNothing(line, found.isAmbiguous));
    else if (others.length > 0) {
      const matching = matchTogether(found.slips, line, terms);
      matchings.push(matching);
      for (const match of matching.matches)
        told.set(match.slipId, { paid: signedAs(slips, match.slipId, match.amount ?? 0n), cameBack: 0n });
    }
  }
  turn.resolve(statement, single);
  const paidUp = slips.filter(({ slipId }) => told.has(slipId));
  await turn.keep({ statement, matchings, slips, told, paidUp });
  turn.advance(statement, { phase: 'lines', afterN: last.n, afterSlip: '' });
}

function signedAs(slips: readonly KeptSlip[], slipId: string, amount: bigint): bigint {
  return slips.find((one) => one.slipId === slipId)?.kind === 'payout' ? -amount : amount;
}

async function tellSlips(turn: MatchTurn, statement: MatchingStatement, terms: Terms): Promise<void> {
  const groups = await turn.slipsAfter(statement, slipsMax);
  const last = groups.at(-1);
  if (last === undefined) return turn.advance(statement, { phase: 'missing', afterN: 0, afterSlip: '' });
  const matchings = groups.map(({ slip, lines }) => matchSlip(slip, lines, terms));
  const told = new Map(
    groups.map(({ slip, lines }, at) => [slip.slipId, toldOf(slip, lines, matchings[at]!)] as const),
  );
  const paidUp = groups.flatMap(({ slip }, at) =>
    told.get(slip.slipId)!.paid !== 0n && !hasAmountBreak(matchings[at]!) ? [slip] : [],
  );
  await turn.keep({ statement, matchings, slips: groups.map(({ slip }) => slip), told, paidUp });
  turn.advance(statement, { phase: 'slips', afterN: 0, afterSlip: last.slip.slipId });
}

const hasAmountBreak = ({ breaks }: Matching) => breaks.some(({ type }) => type === 'amount');

/** What counts as paid, and as come back: a duplicate is neither. */
export function toldOf(slip: KeptSlip, lines: readonly KeptLine[], { matches }: Matching) {
  const told = { paid: 0n, cameBack: 0n };
  const outcomes = new Map(matches.map(({ line, outcome }) => [line, outcome]));
  for (const line of lines) {
    if (!outcomes.has(line.line) || line.currency !== slip.amount?.currency) continue;
    if (line.kind === 'return' || line.gross < 0n !== (slip.kind === 'payout')) told.cameBack += line.gross;
    else told.paid += line.gross;
  }
  return told;
}

async function tellMissing(turn: MatchTurn, statement: MatchingStatement, terms: Terms): Promise<void> {
  const through = statement.bookedTo;
  const slips =
    through === null ? [] : await turn.unpaidAfter(statement, plusDays(through, -terms.daysMax), slipsMax);
  const last = slips.at(-1);
  if (last === undefined) return turn.advance(statement, 'matched');
  const breaks = slips.flatMap((slip) => missingThere(slip, through!, terms) ?? []);
  const matched: Matched = {
    ...{ statement, slips, told: new Map(), paidUp: [] },
    matchings: [{ matches: [], breaks, explained: [] }],
  };
  await turn.keep(matched);
  turn.advance(statement, { phase: 'missing', afterN: 0, afterSlip: last.slipId });
}
