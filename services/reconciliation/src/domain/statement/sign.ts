/**
 * The one place where a mark becomes a sign. `undoes`: the mark is of the booking that is undone, as MT940's RC and RD are; ISO 20022's
 * RvslInd is not like that: there CdtDbtInd is what the balance changes by.
 */
export function signed(amount: bigint, mark: 'credit' | 'debit', undoes: boolean): bigint {
  return (mark === 'credit') === undoes ? -amount : amount;
}
