import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryReconciliation } from '../../test/memory.ts';
import { answered, at, held, intended, submitted, told } from '../../test/story.ts';
import { afterRefund, isWithin, noBudget, nothingSpent, type Spent } from '../domain/repair/budget.ts';

const money = (amount: bigint, currency: string) => ({ amount, currency });
const refund = fc.option(fc.record({ amount: fc.bigInt(1n, 60n), currency: fc.constantFrom('EUR', 'USD') }));

test('a budget is used up to the last, never passed, in any currency that it names', () => {
  const rules = { countMax: 6, amountMax: new Map([['EUR', 100n]]) };
  fc.assert(
    fc.property(fc.array(refund, { maxLength: 20 }), (refunds) => {
      let spent: Spent = nothingSpent;
      for (const amount of refunds) {
        const after = afterRefund(spent, amount);
        const fits = after.count <= 6 && (after.amounts.get('EUR') ?? 0n) <= 100n;
        expect(isWithin(rules, spent, amount)).toBe(fits);
        if (fits) spent = after;
      }
      expect(spent.count).toBeLessThanOrEqual(6);
    }),
  );
});

test('none is none, and what has no limit is not counted against another', () => {
  expect(isWithin({ countMax: 0, amountMax: new Map() }, nothingSpent, null)).toBe(false);
  const euros = { countMax: null, amountMax: new Map([['EUR', 1n]]) };
  expect(isWithin(euros, nothingSpent, money(2n, 'EUR'))).toBe(false);
  expect(isWithin(euros, nothingSpent, money(2n, 'USD'))).toBe(true);
});

test('of many proofs in one batch, and in the next ones, exactly as many are refunded as the budget allows', async () => {
  const slips = Array.from({ length: 30 }, (_, n) => `slip-${String(n).padStart(2, '0')}`);
  const service = new MemoryReconciliation({
    ...{ countMax: 12, amountMax: new Map([['EUR', 9_000n]]), ownTroubleMax: null },
  });
  const amount = money(1_000n, 'EUR');
  const events = [
    ...slips.map((slipId) => told(submitted({ amount }), at(0), { slipId })),
    ...slips.map((slipId) => told(held, at(1), { slipId })),
    ...slips.map((slipId) => told(intended(), at(2), { slipId })),
    ...slips.map((slipId) => told(answered(0, 'not_found', true), at(6), { slipId })),
  ];
  const records = events.map((recorded, index) => ({ source: 's', seq: index + 1, recorded }));
  // The first batch has the first four proofs.
  await service.read(records.slice(0, 94), 0);
  await service.read(records.slice(94), 94);
  const typesOf = (type: string) => service.decided.filter(({ event }) => event.type === type);
  expect(typesOf('RefundRequested').map(({ slipId }) => slipId)).toEqual(slips.slice(0, 9));
  expect(typesOf('CaseOpened').map(({ slipId }) => slipId)).toEqual(slips.slice(9));
  expect(typesOf('SlipNotReturned')).toHaveLength(30);
});

describe('slips that our own trouble kept from being sent', () => {
  const slips = Array.from({ length: 12 }, (_, n) => `slip-${String(n).padStart(2, '0')}`);
  const begun = [
    ...slips.map((slipId) => told(submitted(), at(0), { slipId })),
    ...slips.map((slipId) => told(held, at(1), { slipId })),
  ];
  type HeldUpBy = 'ourselves' | 'provider';
  const proofs = (of: readonly string[], heldUpBy: HeldUpBy) =>
    of.map((slipId) => told(answered(1, 'never_sent', true, heldUpBy), at(12), { slipId }));
  /** In batches, each with the proofs of so many slips. */
  const play = async (ownTroubleMax: number | null, heldUpBy: HeldUpBy, ...batches: number[]) => {
    const service = new MemoryReconciliation({ ...noBudget, ownTroubleMax });
    const events = [...begun, ...proofs(slips, heldUpBy)];
    const records = events.map((recorded, index) => ({ source: 's', seq: index + 1, recorded }));
    let from = 0;
    let to = begun.length;
    for (const size of batches) {
      to += size;
      await service.read(records.slice(from, to), from);
      from = to;
    }
    const of = (type: string) => service.decided.filter(({ event }) => event.type === type);
    return { refunds: of('RefundRequested').length, cases: of('CaseOpened').map(({ event }) => event.data) };
  };

  test('are refunded while they are few', async () => {
    expect(await play(12, 'ourselves', 12)).toEqual({ refunds: 12, cases: [] });
    expect(await play(null, 'ourselves', 12)).toEqual({ refunds: 12, cases: [] });
  });

  test('wait for people, all of them, when they are many at once', async () => {
    const { refunds, cases } = await play(11, 'ourselves', 12);
    expect([refunds, cases.length]).toEqual([0, 12]);
    expect(cases[0]).toMatchObject({
      ...{ reason: 'own_trouble', summary: expect.stringContaining(' 12.50 EUR') },
    });
  });

  test('wait from where they become many, also over batches, and those that waited count', async () => {
    const { refunds, cases } = await play(5, 'ourselves', 3, 4, 2, 3);
    expect([refunds, cases.length]).toEqual([3, 9]);
  });

  test('are no others: what no provider could be called for is given back', async () => {
    expect(await play(0, 'provider', 12)).toEqual({ refunds: 12, cases: [] });
  });
});
