import { shownAmount } from '@slipstream/kernel';
import { type Day, type StatementLine, type StatementPart, StatementRefused } from './statement.ts';

/** What a statement comes to in one currency. */
export interface CurrencyTotal {
  readonly currency: string;
  /** Null: the statement does not say. */
  readonly opening: bigint | null;
  readonly movements: bigint;
  readonly closing: bigint | null;
  /** Of its closing balance, else of its last line; null: it has neither. */
  readonly closesOn: Day | null;
  /** Of its lines; null: it has none. */
  readonly booked: { readonly first: Day; readonly last: Day } | null;
}

export interface StatementTotals {
  /** Where it begins in the file. */
  readonly line: number;
  readonly name: string;
  readonly account: string;
  readonly lines: number;
  readonly totals: readonly CurrencyTotal[];
}

interface Sum {
  opening: bigint | null;
  movements: bigint;
  closing: { readonly amount: bigint; readonly line: number; readonly on: Day | null } | null;
  /** The closing balance as the file says it, beside what running ones lead to. */
  said: bigint | null;
  booked: { readonly first: Day; readonly last: Day } | null;
}

/** Adds up a file while it is read: each statement by itself, each currency by itself. */
export class Adder {
  #open: {
    readonly line: number;
    readonly name: string;
    readonly account: string;
    lines: number;
    readonly sums: Map<string, Sum>;
  } | null = null;
  readonly #done: StatementTotals[] = [];

  /** @throws StatementRefused where what was added up is not what the file says */
  add(part: StatementPart): void {
    if (part.part === 'opened') {
      const { line, name, account } = part;
      this.#open = { line, name, account, lines: 0, sums: new Map() };
    } else if (this.#open === null) {
      throw new StatementRefused(lineOf(part), 'it stands outside of any statement');
    } else if (part.part === 'balance') this.#balance(part);
    else if (part.part === 'line') this.#move(part.movement);
    else if (part.part === 'entry') {
      checkEntry(part);
      for (const movement of part.movements) this.#move(movement);
    } else this.#close();
  }

  /** Those that are closed. */
  get statements(): readonly StatementTotals[] {
    return this.#done;
  }

  #sum(currency: string): Sum {
    const { sums } = this.#open!;
    const known = sums.get(currency);
    if (known) return known;
    const sum: Sum = { opening: null, movements: 0n, closing: null, said: null, booked: null };
    sums.set(currency, sum);
    return sum;
  }

  #move({ amount, currency, bookedOn }: StatementLine): void {
    const sum = this.#sum(currency);
    sum.movements += amount;
    const { first, last } = sum.booked ?? { first: bookedOn, last: bookedOn };
    sum.booked = { first: bookedOn < first ? bookedOn : first, last: bookedOn > last ? bookedOn : last };
    this.#open!.lines += 1;
  }

  #balance(balance: Extract<StatementPart, { part: 'balance' }>): void {
    const { which, amount, currency, line, on } = balance;
    const sum = this.#sum(currency);
    const before = which === 'opening' ? sum.opening : which === 'closing' ? sum.said : null;
    if (before !== null && before !== amount)
      throw differs(line, `the ${which} balance`, before, amount, currency, 'it was said before to be');
    if (which === 'opening') sum.opening = amount;
    if (which === 'closing') sum.said = amount;
    if (which === 'closing') sum.closing = { amount, line, on: on ?? null };
    if (which !== 'running') return;
    // The first one tells what it was before.
    sum.opening ??= amount - sum.movements;
    const expected = sum.opening + sum.movements;
    if (expected !== amount) throw differs(line, 'the balance behind this line', expected, amount, currency);
    sum.closing = { amount, line, on: on ?? null };
  }

  #close(): void {
    const { sums, ...open } = this.#open!;
    const totals = [...sums].map(([currency, { opening, movements, closing, booked }]) => {
      if (opening !== null && closing !== null && opening + movements !== closing.amount)
        throw differs(closing.line, 'the closing balance', opening + movements, closing.amount, currency);
      const closesOn = closing?.on ?? booked?.last ?? null;
      return { currency, opening, movements, closing: closing?.amount ?? null, closesOn, booked };
    });
    this.#refuseTwice(open, totals);
    this.#done.push({ ...open, totals: totals.sort((a, b) => (a.currency < b.currency ? -1 : 1)) });
    this.#open = null;
  }

  /** One that goes on from the one before it may lead the same way again: an account that is emptied twice a day does. */
  #refuseTwice(
    { name, account, line }: Pick<StatementTotals, 'name' | 'account' | 'line'>,
    totals: readonly CurrencyTotal[],
  ): void {
    if (account === '') return;
    for (const { currency, opening, closing } of totals) {
      if (opening === null || closing === null || opening === closing) continue;
      const earlier = this.#done
        .filter((one) => one.account === account)
        .flatMap((one) => one.totals.map((total) => ({ ...total, name: one.name, line: one.line })))
        .filter((one) => one.currency === currency);
      const same = earlier.find(
        (one) => one.name === name && one.opening === opening && one.closing === closing,
      );
      if (same && earlier.at(-1)!.closing !== opening)
        throw new StatementRefused(
          line,
          `${name} is the statement that begins in line ${same.line} once more`,
        );
    }
  }
}

/** An entry is booked as one, so its parts are as many and as much as it says, in its currency. */
function checkEntry({
  line,
  amount,
  currency,
  count,
  movements,
}: Extract<StatementPart, { part: 'entry' }>): void {
  if (count !== null && count !== movements.length)
    throw new StatementRefused(
      line,
      `the entry says that it has ${count} transactions, and has ${movements.length}`,
    );
  const other = movements.find((one) => one.currency !== currency);
  if (other)
    throw new StatementRefused(
      other.line,
      `the entry is in ${currency}, and this part of it in ${other.currency}`,
    );
  const sum = movements.reduce((all, one) => all + one.amount, 0n);
  if (sum !== amount) throw differs(line, 'the entry', sum, amount, currency, 'its transactions add up to');
}

function differs(
  line: number,
  what: string,
  expected: bigint,
  said: bigint,
  currency: string,
  how = 'what was read comes to',
): StatementRefused {
  const [is, adds] = [shownAmount(said, currency), shownAmount(expected, currency)];
  return new StatementRefused(line, `${what} is ${is}, but ${how} ${adds}`);
}

function lineOf(part: StatementPart): number {
  return part.part === 'line' ? part.movement.line : part.line;
}
