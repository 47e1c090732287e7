import { shownAmount } from '@slipstream/kernel';
import { type BookedSlip, directionOf, expectedOf, isWithin, type MatchTerms } from './booked-slip.ts';
import type { ExplainedLine, FoundBreak, GivenBack, LineMatch, Matching, SlipBreakType } from './breaks.ts';
import { plusDays } from './day.ts';
import type { Day, StatementLine } from './statement.ts';

/** Holds the lines of a statement about one slip against what is known of it: 1:1, and N:1 where it was paid in parts. */
export function matchSlip(slip: BookedSlip, lines: readonly StatementLine[], terms: MatchTerms): Matching {
  const found = new Findings(slip);
  const direction = directionOf(slip);
  const own = lines.filter((line) => isOfItsCurrency(slip, line));
  for (const line of lines.filter((one) => !own.includes(one))) otherCurrency(found, slip, line);
  // A failure that moved nothing is a word alone; what goes against the slip's direction came back.
  const words = own.filter(({ gross }) => gross === 0n);
  const back = own.filter(
    (line) => line.gross !== 0n && (line.kind === 'return' || line.gross * direction < 0n),
  );
  const paid = own.filter((line) => !words.includes(line) && !back.includes(line));
  for (const line of words) word(found, slip, line);
  const accepted = pay(found, slip, paid, terms);
  const cameBack = giveBack(found, slip, back, terms);
  status(found, slip, accepted, cameBack);
  for (const line of accepted) late(found, slip, line, terms);
  fees(found, slip, [...accepted, ...cameBack], terms);
  return found;
}

/** One movement for several slips (1:N), or what undoes one: it must be what they are together. */
export function matchTogether(
  slips: readonly BookedSlip[],
  line: StatementLine,
  terms: MatchTerms,
): Matching {
  const { currency } = line;
  const expected = slips.reduce((all, slip) => all + (expectedOf(slip) ?? 0n), 0n);
  const isOne = slips.every(({ amount }) => amount?.currency === currency);
  if (isOne && expected !== 0n && isWithin(line.gross, -expected, currency, terms))
    return cameBackTogether(slips, line, terms);
  if (!isOne || !isWithin(line.gross, expected, currency, terms)) {
    const names = slips.map(({ reference }) => reference).join(', ');
    const ours = isOne ? expected : 0n;
    const type = isOne ? 'amount' : 'currency';
    return {
      matches: [],
      breaks: [
        {
          ...{ type, slipId: null, line: line.line, currency, difference: line.gross - ours },
          ...{
            expected: `${shownAmount(ours, currency)} for ${names}`,
            seen: shownAmount(line.gross, currency),
          },
        },
      ],
      explained: [{ line: line.line, ours, fee: line.amount - line.gross }],
    };
  }
  const found = new Findings(null);
  let open = 0n;
  for (const slip of slips) {
    const share = expectedOf(slip)!;
    if (slip.paid !== 0n && isWithin(slip.paid, share, currency, terms)) {
      open += share;
      const seen = `${shownAmount(share, currency)} once more, with others`;
      found.break('duplicate', slip, line, share, 'paid once', seen);
      continue;
    }
    found.match(slip, line, 'succeeded', share);
    if (slip.outcome === 'succeeded') continue;
    open += share;
    found.break('status', slip, line, share, saidOutcome(slip), 'paid with others in one movement');
  }
  found.explain(line, line.gross - open);
  return found;
}

/** What was paid once more is even again; of the others it says that they failed. */
function cameBackTogether(slips: readonly BookedSlip[], line: StatementLine, terms: MatchTerms): Matching {
  const found = new Findings(null);
  const { currency } = line;
  let open = 0n;
  for (const slip of slips) {
    const share = -expectedOf(slip)!;
    const twice = slip.twice?.find((amount) => isWithin(-share, amount, currency, terms));
    if (twice === undefined) {
      found.match(slip, line, 'failed', share);
      if (isFailed(slip) && slip.paid + slip.cameBack + share === 0n) continue;
      found.break('status', slip, line, share, saidOutcome(slip), 'came back');
    } else {
      found.givenBack.push({ slipId: slip.slipId, amount: twice });
      tellGivenBack(found, slip, line, share);
    }
    open += share;
  }
  found.explain(line, line.gross - open);
  return found;
}

/** A break of its own that is repaired at once, so that the days of both add up. */
function tellGivenBack(found: Findings, slip: BookedSlip, line: StatementLine, amount: bigint): void {
  const seen = `${shownAmount(amount, line.currency)} came back`;
  found.break('duplicate', slip, line, amount, 'what was paid once more', seen);
  found.repair('duplicate', (difference) => difference === amount);
}

/** A movement of no slip of ours. */
export function matchNothing(line: StatementLine, isAmbiguous: boolean): Matching {
  const { currency, amount, references, providerReference } = line;
  const names =
    [...references, providerReference].filter((name) => name !== null).join(', ') || 'no reference';
  return {
    matches: [],
    breaks: [
      {
        ...{ type: 'missing_here', slipId: null, line: line.line, currency, difference: amount },
        expected: isAmbiguous
          ? 'one slip of that reference and amount, but there are several'
          : 'a slip of ours',
        seen: `${shownAmount(amount, currency)} for ${names}`,
      },
    ],
    explained: [{ line: line.line, ours: 0n, fee: 0n }],
  };
}

/** Fees, transfers and conversions explain a balance by themselves; a payment or a return needs a slip. */
export function isAboutSlip({ kind }: StatementLine): boolean {
  return kind === 'payment' || kind === 'return';
}

/** A slip that the provider says it paid, and that no statement up to `through` has. */
export function missingThere(slip: BookedSlip, through: Day, { daysMax }: MatchTerms): FoundBreak | null {
  const expected = expectedOf(slip);
  if (slip.outcome !== 'succeeded' || slip.returnedOn === null || expected === null || slip.paid !== 0n)
    return null;
  if (plusDays(slip.returnedOn, daysMax) > through) return null;
  const { currency } = slip.amount!;
  return {
    ...{ type: 'missing_there', slipId: slip.slipId, line: null, currency, difference: -expected },
    ...{ expected: shownAmount(expected, currency), seen: `nothing up to ${through}` },
  };
}

class Findings implements Matching {
  readonly matches: LineMatch[] = [];
  readonly breaks: FoundBreak[] = [];
  readonly explained: ExplainedLine[] = [];
  readonly givenBack: GivenBack[] = [];
  readonly #slip: BookedSlip | null;

  constructor(slip: BookedSlip | null) {
    this.#slip = slip;
  }

  match(
    slip: BookedSlip,
    line: StatementLine,
    outcome: LineMatch['outcome'],
    gross = line.gross,
    occurrence = 1,
  ): void {
    const taken = line.gross - line.amount;
    const moved = line.currency === slip.amount?.currency ? gross : 0n;
    const isBack =
      this.#slip === null
        ? outcome === 'failed'
        : line.kind === 'return' || gross < 0n !== (slip.kind === 'payout');
    this.matches.push({
      ...(occurrence > 1 && { occurrence }),
      ...{ slipId: slip.slipId, line: line.line, outcome, reason: line.reason, currency: line.currency },
      amount: gross < 0n ? -gross : gross,
      ...{ paid: isBack ? 0n : moved, cameBack: isBack ? moved : 0n },
      fee: taken > 0n && this.#slip !== null ? taken : null,
      providerReference:
        slip.outcome === null ? line.providerReference : (slip.providerReference ?? line.providerReference),
    });
  }

  /** The amounts of these lines are left to their sum. */
  tellAll(lines: readonly StatementLine[]): void {
    const told = new Set(lines.map(({ line }) => line));
    for (const [at, match] of this.matches.entries())
      if (told.has(match.line)) this.matches[at] = { ...match, amount: null };
  }

  explain({ line, amount, gross }: StatementLine, ours: bigint): void {
    this.explained.push({ line, ours, fee: amount - gross });
  }

  /** A difference in what the line's fee is takes away from what the fee explains. */
  chargeElse(line: number, difference: bigint): void {
    const at = this.explained.findIndex((one) => one.line === line);
    const one = this.explained[at]!;
    this.explained[at] = { ...one, fee: one.fee - difference };
  }

  /** Of the breaks found so far, the first one that is not repaired; false: there is none of that difference. */
  repair(type: SlipBreakType, isOf: (difference: bigint) => boolean): boolean {
    const at = this.breaks.findIndex(
      (one) => one.type === type && one.isRepaired === undefined && isOf(one.difference),
    );
    if (at < 0) return false;
    this.breaks[at] = { ...this.breaks[at]!, isRepaired: true };
    return true;
  }

  break(
    type: SlipBreakType,
    slip: BookedSlip,
    { line, currency }: StatementLine,
    difference: bigint,
    expected: string,
    seen: string,
  ): void {
    this.breaks.push({ type, slipId: slip.slipId, line, currency, difference, expected, seen });
  }
}

function isOfItsCurrency({ amount }: BookedSlip, { currency, gross }: StatementLine): boolean {
  return amount === null || gross === 0n || amount.currency === currency;
}

function otherCurrency(found: Findings, slip: BookedSlip, line: StatementLine): void {
  const { amount, currency } = slip.amount!;
  found.match(slip, line, line.kind === 'return' ? 'failed' : (line.outcome ?? 'succeeded'));
  found.explain(line, 0n);
  const seen = shownAmount(line.gross, line.currency);
  found.break('currency', slip, line, line.gross, shownAmount(amount, currency), seen);
}

function word(found: Findings, slip: BookedSlip, line: StatementLine): void {
  found.explain(line, 0n);
  if (line.outcome === null) return;
  found.match(slip, line, line.outcome);
  if (line.outcome !== slip.outcome) found.break('status', slip, line, 0n, saidOutcome(slip), line.outcome);
}

/** Takes payments in their order until the slip is paid; what comes on top was paid twice. Gives those that count. */
function pay(
  found: Findings,
  slip: BookedSlip,
  lines: readonly StatementLine[],
  terms: MatchTerms,
): readonly StatementLine[] {
  const accepted: StatementLine[] = [];
  const expected = expectedOf(slip);
  let total = slip.paid;
  for (const line of lines) {
    const { gross, currency } = line;
    const open = expected === null ? gross : expected - total;
    const isPaid = expected !== null && total !== 0n && isWithin(total, expected, currency, terms);
    if (isPaid) {
      found.explain(line, 0n);
      found.break('duplicate', slip, line, gross, 'paid once', `${shownAmount(gross, currency)} once more`);
      continue;
    }
    found.match(slip, line, line.outcome ?? 'succeeded');
    const isTooMuch = !isWithin(gross, open, currency, terms) && magnitude(gross) > magnitude(open);
    // An earlier statement has told a part, and what was missing there is a break of it: our books have the whole already.
    const isRest = slip.paid !== 0n && expected !== null && !isTooMuch;
    found.explain(line, isRest ? 0n : isTooMuch ? open : gross);
    if (isRest) {
      found.break('amount', slip, line, gross, shownAmount(open, currency), shownAmount(gross, currency));
      found.repair('amount', (difference) => difference === gross);
    }
    if (isTooMuch)
      found.break(
        'amount',
        slip,
        line,
        gross - open,
        shownAmount(open, currency),
        shownAmount(gross, currency),
      );
    total = isTooMuch ? expected! : total + gross;
    accepted.push(line);
  }
  // Known to be paid, and told in parts: what they are together is what is known.
  const isTold = expected !== null && accepted.length > 1 && slip.outcome === 'succeeded';
  if (isTold && isWithin(total, expected, accepted[0]!.currency, terms)) found.tellAll(accepted);
  const last = accepted.at(-1);
  if (last === undefined || expected === null || isWithin(total, expected, last.currency, terms))
    return accepted;
  // What is still missing is the break of the statement that told the first part.
  if (slip.paid !== 0n && magnitude(total) < magnitude(expected)) return accepted;
  // Our books have the whole of it, the statement a part.
  found.explained.splice(
    found.explained.findIndex(({ line }) => line === last.line),
    1,
    { line: last.line, ours: last.gross + expected - total, fee: last.amount - last.gross },
  );
  const [all, seen] = [shownAmount(expected, last.currency), shownAmount(total, last.currency)];
  found.break('amount', slip, last, total - expected, all, seen);
  return accepted;
}

/**
 * What was paid once more and comes back again is even: it says nothing against the slip's success. Gives what else came back.
 */
function giveBack(
  found: Findings,
  slip: BookedSlip,
  back: readonly StatementLine[],
  terms: MatchTerms,
): readonly StatementLine[] {
  const earlier = [...(slip.twice ?? [])];
  return back.filter((line) => {
    const isGivenBack = (amount: bigint) => isWithin(-line.gross, amount, line.currency, terms);
    const at = earlier.findIndex(isGivenBack);
    if (at >= 0) found.givenBack.push({ slipId: slip.slipId, amount: earlier.splice(at, 1)[0]! });
    else if (!found.repair('duplicate', isGivenBack)) return true;
    found.explain(line, 0n);
    tellGivenBack(found, slip, line, line.gross);
    return false;
  });
}

/** Money that moved needs a success here, and money that came back a failure; both together leave nothing, and so does a failure. */
function status(
  found: Findings,
  slip: BookedSlip,
  paid: readonly StatementLine[],
  back: readonly StatementLine[],
): void {
  const moved = [...paid, ...back].reduce((all, { gross }) => all + gross, slip.paid + slip.cameBack);
  const isEven = isFailed(slip) && moved === 0n;
  for (const line of paid) {
    if (slip.outcome === 'succeeded' || isEven) continue;
    found.break('status', slip, line, unexplain(found, line), saidOutcome(slip), line.outcome ?? 'paid');
  }
  for (const [at, line] of back.entries()) {
    // Two equal parts of one day are two movements, since one statement tells both.
    const same = back
      .slice(0, at)
      .filter((one) => one.gross === line.gross && one.bookedOn === line.bookedOn);
    found.match(slip, line, 'failed', line.gross, same.length + 1);
    found.explain(line, isEven ? line.gross : 0n);
    if (!isEven) found.break('status', slip, line, line.gross, saidOutcome(slip), 'came back');
  }
}

/** What our books moved for the line is nothing, while they do not know that it was paid. */
function unexplain(found: Findings, { line }: StatementLine): bigint {
  const at = found.explained.findIndex((one) => one.line === line);
  const one = found.explained[at]!;
  found.explained[at] = { ...one, ours: 0n };
  return one.ours;
}

function late(found: Findings, slip: BookedSlip, line: StatementLine, { daysMax }: MatchTerms): void {
  const since = slip.returnedOn ?? slip.dispatchedOn;
  // The statement alone tells of it: nothing says since when it was awaited.
  if (since === null) return;
  const due = plusDays(since, daysMax);
  if (line.bookedOn > due) found.break('late', slip, line, 0n, `up to ${due}`, line.bookedOn);
}

function fees(found: Findings, slip: BookedSlip, lines: readonly StatementLine[], terms: MatchTerms): void {
  const last = lines.at(-1);
  if (slip.fee === null || last === undefined) return;
  const taken = lines.reduce((all, { gross, amount }) => all + gross - amount, 0n);
  const { currency } = last;
  if (isWithin(taken, slip.fee, currency, terms)) return;
  const difference = slip.fee - taken;
  found.chargeElse(last.line, difference);
  found.break('fee', slip, last, difference, shownAmount(slip.fee, currency), shownAmount(taken, currency));
}

function isFailed({ outcome }: BookedSlip): boolean {
  return outcome === 'failed' || outcome === 'void';
}

function saidOutcome({ outcome }: BookedSlip): string {
  return outcome ?? 'no outcome known';
}

const magnitude = (amount: bigint) => (amount < 0n ? -amount : amount);
