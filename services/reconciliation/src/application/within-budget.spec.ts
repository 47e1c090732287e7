import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryReconciliation } from '../../test/memory.ts';
import { answered, at, held, intended, submitted, told } from '../../test/story.ts';
import { afterRefund, isWithin, nothingSpent, type Spent } from '../domain/repair/budget.ts';

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
  const service = new MemoryReconciliation({ countMax: 12, amountMax: new Map([['EUR', 9_000n]]) });
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
