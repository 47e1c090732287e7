import { signedMinorUnits } from '../../domain/statement/amount.ts';
import { StatementRefused } from '../../domain/statement/statement.ts';
import type { Element } from './xml.ts';

// What one transaction of an entry comes to in ISO 20022: before and behind what the bank took for it.

export interface Amount {
  readonly amount: bigint;
  readonly currency: string;
}

/**
 * What the account was moved by: as told for the transaction, else as it was before it was exchanged or charged for; null: it does not say.
 * @param booked of the whole entry, where this is all of it
 */
export function amountOf(told: readonly Element[], booked: Amount | null): Amount | null {
  const [detail] = told as [Element];
  const moved = detail.find('Amt') ?? detail.find('AmtDtls', 'TxAmt', 'Amt');
  const paid = moved ?? detail.find('AmtDtls', 'InstdAmt', 'Amt');
  if (!paid) return null;
  const money = moneyOf(paid);
  if (booked === null) return money;
  const isExchanged = moved === undefined && money.currency !== booked.currency;
  const isCharged = [booked.amount, -booked.amount].some(
    (amount) => grossOf(told, amount, booked.currency) !== amount,
  );
  return isExchanged || isCharged ? booked : money;
}

/**
 * What was paid, where the bank took its charges from it or put them on top, and says both; else what was booked.
 * @param amount as it was booked, signed
 */
export function grossOf(told: readonly Element[], amount: bigint, currency: string): bigint {
  const taken = told.map((element) => chargesOf(element, currency)).find((charges) => charges !== null);
  if (taken === undefined || taken === 0n) return amount;
  for (const element of told) {
    // The amount of an entry is what was booked; that of a transaction may be what was paid.
    const transaction = element.name === 'TxDtls' ? element.find('Amt') : undefined;
    for (const paid of [element.find('AmtDtls', 'InstdAmt', 'Amt'), transaction]) {
      if (paid?.attributes.Ccy !== currency) continue;
      const size = moneyOf(paid).amount;
      const gross = amount < 0n ? -size : size;
      if (gross - amount === taken) return gross;
    }
  }
  return amount;
}

/** What was charged, all together; null: nothing is said, or not all of it in this currency. */
export function chargesOf(element: Element, currency: string): bigint | null {
  const charges = element.all('Chrgs');
  const total = charges.find((one) => one.find('TtlChrgsAndTaxAmt'))?.find('TtlChrgsAndTaxAmt');
  if (total) return total.attributes.Ccy === currency ? moneyOf(total).amount : null;
  const records = charges.flatMap((one) => one.all('Rcrd'));
  let sum: bigint | null = null;
  for (const record of records.length > 0 ? records : charges) {
    const told = record.find('Amt');
    if (told === undefined) continue;
    if (told.attributes.Ccy !== currency) return null;
    const isGivenBack = record.find('CdtDbtInd')?.text === 'CRDT';
    sum = (sum ?? 0n) + moneyOf(told).amount * (isGivenBack ? -1n : 1n);
  }
  return sum;
}

/** @throws StatementRefused */
export function moneyOf(element: Element): Amount {
  const currency = element.attributes.Ccy ?? '';
  const amount = signedMinorUnits(element.text, currency);
  if (amount === null || amount < 0n)
    throw new StatementRefused(element.line, `${element.text} is no amount of ${currency || 'any currency'}`);
  return { amount, currency };
}
