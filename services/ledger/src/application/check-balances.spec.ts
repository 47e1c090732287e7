import { expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import fc from 'fast-check';
import { BalanceCheck, type BalanceReads } from './check-balances.ts';

const start = '2026-11-22T10:00:00.000000Z';

/** Accounts in memory, with their entries as they were booked. */
class Books implements BalanceReads {
  readonly accounts = new Map<bigint, { balance: bigint; entries: { at: string; change: bigint }[] }>();
  read = 0;
  #booked = 0;

  book(id: bigint, change: bigint, lateMs = 0): void {
    const account = this.accounts.get(id) ?? { balance: 0n, entries: [] };
    this.accounts.set(id, account);
    account.balance += change;
    account.entries.push({ at: addMs(start, ++this.#booked - lateMs), change });
    account.entries.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  async accountsAfter(id: bigint, count: number): Promise<bigint[]> {
    return [...this.accounts.keys()]
      .filter((one) => one > id)
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, count);
  }

  async fold(asked: Parameters<BalanceReads['fold']>[0], entriesMax: number) {
    return asked.map(({ id, since }) => {
      const { balance, entries } = this.accounts.get(id)!;
      const rest = entries.filter(({ at }) => since === null || at > since);
      // Those of one time come together.
      const last = rest[entriesMax - 1]?.at;
      const some = last === undefined ? rest : rest.filter(({ at }) => at <= last);
      this.read += some.length;
      const change = some.reduce((sum, one) => sum + one.change, 0n);
      const until = some.at(-1)?.at ?? null;
      return { id, name: `account ${id}`, balance, change, until, isAll: last === undefined };
    });
  }
}

function checkOf(books: Books) {
  const alarms: string[] = [];
  const check = new BalanceCheck(
    books,
    {
      balanceChecked: () => {},
      balanceBroken: (name, balance, folded) => alarms.push(`${name} ${balance} ${folded}`),
      balancesBroken: () => {},
    },
    10,
  );
  const round = async () => {
    // Another round may have begun in the middle of the one before.
    for (let rounds = 0; rounds < 2; ) if (await check.look()) rounds += 1;
  };
  return { check, alarms, round };
}

const bookings = fc.array(
  fc.record({
    id: fc.bigInt({ min: 1n, max: 120n }),
    change: fc.bigInt({ min: -50n, max: 50n }),
    isLate: fc.boolean(),
  }),
  { maxLength: 400 },
);

test('raises no alarm, whatever is booked between the looks and however late its time says it was', async () => {
  await fc.assert(
    fc.asyncProperty(bookings, fc.integer({ min: 1, max: 40 }), async (all, between) => {
      const books = new Books();
      const { check, alarms, round } = checkOf(books);
      for (const [n, { id, change, isLate }] of all.entries()) {
        // Two thirds of them to a few accounts, which so have more entries than a look takes.
        books.book(n % 3 === 0 ? id : id % 3n, change, isLate ? 20 : 0);
        if (n % between === 0) await check.look();
      }
      await round();
      // What was booked late while its account was folded is found when it is folded anew.
      await round();
      expect(check.broken).toEqual([]);
      expect(alarms.length).toBeLessThanOrEqual(all.filter(({ isLate }) => isLate).length);
      if (!all.some(({ isLate }) => isLate)) expect(alarms).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test('names an account whose balance was changed, until it is right again, and reads what was folded once', async () => {
  const books = new Books();
  for (let n = 0; n < 200; n++) books.book(7n, 1n);
  books.book(8n, 5n);
  const { check, alarms, round } = checkOf(books);
  await round();
  expect(check.broken).toEqual([]);
  const read = books.read;
  await round();
  expect(books.read - read).toBeLessThan(20);
  books.accounts.get(7n)!.balance += 1n;
  await round();
  expect(check.broken).toEqual(['account 7']);
  expect(alarms).toContain('account 7 201 200');
  books.accounts.get(7n)!.balance -= 1n;
  await round();
  expect(check.broken).toEqual([]);
});
