import { expectedOf, isWithin } from '../../domain/statement/booked-slip.ts';
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
  const kept = new Map(slips.map((slip) => [slip.slipId, slip]));
  const matchings: Matching[] = [];
  const single: { n: number; slipId: string }[] = [];
  // One movement for several: what one line tells of a slip the next ones know.
  const together = new Map<string, KeptSlip>();
  for (const line of about) {
    const found = resolve(line, index, terms);
    const [slip, ...others] = found.slips;
    single.push({ n: line.n, slipId: slip && others.length === 0 ? slip.slipId : '' });
    if (slip === undefined) matchings.push(matchNothing(line, found.isAmbiguous));
    else if (others.length > 0) {
      const known = found.slips.map(({ slipId }) => together.get(slipId) ?? kept.get(slipId)!);
      const matching = matchTogether(known, line, terms);
      matchings.push(matching);
      for (const one of known) together.set(one.slipId, afterLine(one, matching));
    }
  }
  turn.resolve(statement, single);
  const told = new Map(
    [...together].map(([slipId, now]) => {
      const before = kept.get(slipId)!;
      return [slipId, { paid: now.paid - before.paid, cameBack: now.cameBack - before.cameBack }] as const;
    }),
  );
  const paidUp = slips.filter(({ slipId }) => (told.get(slipId)?.paid ?? 0n) !== 0n);
  await turn.keep({ statement, matchings, slips, told, paidUp });
  turn.advance(statement, { phase: 'lines', afterN: last.n, afterSlip: '' });
}

/** What is known of a slip behind a line that was about several. */
function afterLine(slip: KeptSlip, { matches, breaks, givenBack = [] }: Matching): KeptSlip {
  const isOf = (one: { readonly slipId: string | null }) => one.slipId === slip.slipId;
  const match = matches.find(isOf);
  const twice = [...(slip.twice ?? [])];
  for (const back of givenBack.filter(isOf)) twice.splice(twice.indexOf(back.amount), 1);
  for (const one of breaks.filter(isOf))
    if (one.type === 'duplicate' && !one.isRepaired) twice.push(one.difference);
  return {
    ...{ ...slip, twice },
    paid: slip.paid + (match?.paid ?? 0n),
    cameBack: slip.cameBack + (match?.cameBack ?? 0n),
  };
}

async function tellSlips(turn: MatchTurn, statement: MatchingStatement, terms: Terms): Promise<void> {
  const groups = await turn.slipsAfter(statement, slipsMax);
  const last = groups.at(-1);
  if (last === undefined) return turn.advance(statement, { phase: 'missing', afterN: 0, afterSlip: '' });
  const matchings = groups.map(({ slip, lines }) => matchSlip(slip, lines, terms));
  const told = new Map(groups.map(({ slip }, at) => [slip.slipId, toldOf(matchings[at]!)] as const));
  const paidUp = groups.flatMap(({ slip }) =>
    isPaidUp(slip, told.get(slip.slipId)!.paid, terms) ? [slip] : [],
  );
  await turn.keep({ statement, matchings, slips: groups.map(({ slip }) => slip), told, paidUp });
  turn.advance(statement, { phase: 'slips', afterN: 0, afterSlip: last.slip.slipId });
}

/** Whether what is told now pays the rest of it. */
export function isPaidUp(slip: KeptSlip, paid: bigint, terms: Terms): boolean {
  const expected = expectedOf(slip);
  if (paid === 0n || expected === null) return paid !== 0n;
  return isWithin(slip.paid + paid, expected, slip.amount!.currency, terms);
}

/** What counts as paid, and as come back: a duplicate is neither. */
export function toldOf({ matches }: Matching) {
  const told = { paid: 0n, cameBack: 0n };
  for (const { paid, cameBack } of matches) {
    told.paid += paid;
    told.cameBack += cameBack;
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
