import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { CsvMapping } from '../../domain/statement/csv-mapping.ts';
import type { StatementLine, StatementPart } from '../../domain/statement/statement.ts';
import { Adder } from '../../domain/statement/totals.ts';
import { type FileForm, readParts } from './read.ts';

// Real files from public test folders; what is hard in each, and what a right reader says, stands in their README.
const samples = join(import.meta.dirname, '../../../../../../shared/data/statements');

async function read(file: string, form: FileForm) {
  const adder = new Adder();
  const lines: StatementLine[] = [];
  for await (const part of readParts(readFileSync(join(samples, file)), form, file)) {
    adder.add(part);
    lines.push(...movements(part));
  }
  const totals = adder.statements.flatMap((statement) =>
    statement.totals.map(({ closesOn: _, booked: __, ...rest }) => rest),
  );
  const closeOn = adder.statements.flatMap((statement) => statement.totals.map(({ closesOn }) => closesOn));
  return { statements: adder.statements, totals, closeOn, lines };
}

function movements(part: StatementPart): readonly StatementLine[] {
  if (part.part === 'line') return [part.movement];
  return part.part === 'entry' ? part.movements : [];
}

const mt940: FileForm = { format: 'mt940', encoding: 'utf-8' };
const kinds = (lines: readonly StatementLine[]) =>
  Object.fromEntries([...Map.groupBy(lines, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]));

const csv: Omit<CsvMapping, 'amount' | 'date' | 'dateForm'> = {
  ...{ delimiter: ',', decimals: { decimal: '.', thousands: null }, unit: 'major' },
  ...{ gross: null, currency: { column: 'Currency' }, references: [], providerReference: null, text: null },
  ...{ order: 'oldest_first', balance: null, kind: null, outcome: null, balances: new Map() },
};

// They are not in the repository: some of their licences do not let them be.
const where = existsSync(samples) ? describe : describe.skip;

where('every public sample is read to its own closing balance', () => {
  test('two statements in one camt.053', async () => {
    const { totals, closeOn, lines } = await read('camt053-v2-two-statements.xml', {
      format: 'camt.053',
      encoding: 'utf-8',
    });
    expect(totals).toEqual([
      { currency: 'EUR', opening: 1815n, movements: 885n, closing: 2700n },
      { currency: 'EUR', opening: 2700n, movements: -700n, closing: 2000n },
    ]);
    expect(closeOn).toEqual(['2014-12-31', '2014-12-31']);
    expect(lines.map(({ references, bookedOn }) => [references, bookedOn])).toEqual([
      [['000000001'], '2014-12-31'],
      [['000000002'], '2014-12-31'],
    ]);
  });

  test('an overdrawn account, transfers that came back, and a reversed credit (RC)', async () => {
    const { totals, lines } = await read('mt940-returns-and-reversal.sta', mt940);
    expect(totals).toEqual([
      { currency: 'EUR', opening: -123471836n, movements: -290987n, closing: -123762823n },
    ]);
    expect(kinds(lines)).toEqual({ return: 5, payment: 2 });
    expect(lines[0]).toMatchObject({
      ...{ line: 5, amount: 30000n, bookedOn: '2007-09-04', reason: '914' },
      ...{ references: ['TFNr 40005 MSGID', 'TFNR 40005 00005'], providerReference: '0724710345313905' },
    });
    expect(lines[5]).toMatchObject({ amount: -20488n, kind: 'return', references: [] });
  });

  test('marks with the third letter of the currency, and lines of nothing', async () => {
    const { totals, lines } = await read('mt940-citi-funds-code.sta', mt940);
    expect(totals).toEqual([{ currency: 'USD', opening: 1737667n, movements: -114275n, closing: 1623392n }]);
    expect(lines.map(({ amount }) => amount)).toEqual([-21239n, -36928n, -56108n]);
  });

  test('a bank’s 30 February is the last day of February', async () => {
    const { totals, closeOn, lines } = await read('mt940-february-30.sta', mt940);
    expect(totals).toEqual([{ currency: 'EUR', opening: 120000n, movements: -600n, closing: 119400n }]);
    expect(lines).toMatchObject([{ kind: 'fee', bookedOn: '2016-03-01' }]);
    expect(closeOn).toEqual(['2016-03-01']);
  });

  test('a batch of 220 settled orders, with refunds, a fee and the payout', async () => {
    const { totals, lines } = await read('adyen-settlement-detail-380.csv', {
      ...{ format: 'csv', encoding: 'utf-8' },
      csv: {
        ...csv,
        amount: { credit: 'Net Credit (NC)', debit: 'Net Debit (NC)' },
        gross: { credit: 'Gross Credit (GC)', debit: 'Gross Debit (GC)' },
        ...{ currency: { column: 'Net Currency' }, date: 'Booking Date', dateForm: 'YYYY-MM-DD' },
        ...{ references: ['Merchant Reference'], providerReference: 'Psp Reference' },
        kind: {
          column: 'Type',
          words: new Map([
            ['Settled', 'payment'],
            ['Refunded', 'return'],
            ['Fee', 'fee'],
            ['MerchantPayout', 'transfer'],
          ]),
        },
        balances: new Map([['USD', { opening: 0n, closing: 0n }]]),
      },
    });
    expect(totals).toEqual([{ currency: 'USD', opening: 0n, movements: 0n, closing: 0n }]);
    expect(kinds(lines)).toEqual({ payment: 220, return: 6, fee: 1, transfer: 1 });
    expect(lines[0]).toMatchObject({ gross: 3145n, amount: 3115n, references: ['CM1000028854'] });
    expect(lines.at(-1)).toMatchObject({ kind: 'transfer', amount: -5530807n, line: 229 });
  });

  test('two currencies with a running balance each, and conversions between them', async () => {
    const form = (thousands: ',' | null): FileForm => ({
      ...{ format: 'csv', encoding: 'utf-8' },
      csv: {
        ...csv,
        decimals: { decimal: '.', thousands },
        ...{ amount: { column: 'Net' }, gross: { column: 'Gross' }, balance: 'Balance' },
        ...{
          date: 'Date',
          dateForm: 'MM/DD/YYYY',
          references: ['Invoice ID'],
          providerReference: 'Transaction ID',
        },
        kind: {
          column: 'Description',
          words: new Map([
            ['Express Checkout Payment', 'payment'],
            ['General Withdrawal - Bank Account', 'transfer'],
            ['General Currency Conversion', 'conversion'],
          ]),
        },
      },
    });
    const { totals, lines } = await read('paypal-statement-en.csv', form(','));
    expect(totals).toEqual([
      { currency: 'EUR', opening: 75n, movements: 0n, closing: 75n },
      { currency: 'USD', opening: 89n, movements: 28030n, closing: 28119n },
    ]);
    expect(kinds(lines)).toEqual({ transfer: 4, conversion: 8, payment: 7 });
    expect(lines[8]).toMatchObject({ gross: 130980n, amount: 126104n, bookedOn: '2018-09-04' });
    await expect(read('paypal-statement-en.csv', form(null))).rejects.toMatchObject({
      ...{ line: 2, why: 'Net: -1,058.09 is no amount of EUR' },
    });
  });
});

where('samples that are not what they say are refused, with the line', () => {
  test('an entry and its transaction differ', async () => {
    await expect(
      read('camt053-v2-return.xml', { format: 'camt.053', encoding: 'utf-8' }),
    ).rejects.toMatchObject({
      line: 113,
      why: 'the entry is -594.05 EUR, but its transactions add up to -564.05 EUR',
    });
  });

  test('a batch of two has three transactions, in another currency', async () => {
    await expect(
      read('camt054-v4-batch.xml', { format: 'camt.054', encoding: 'utf-8' }),
    ).rejects.toMatchObject({ line: 63, why: 'the entry says that it has 2 transactions, and has 3' });
  });

  test('a file in code page 852 was cut: its movements do not lead to its closing balance', async () => {
    const file = 'mt940-cp852-fees.sta';
    await expect(read(file, { format: 'mt940', encoding: 'cp852' })).rejects.toMatchObject({
      line: 40,
      why: 'the closing balance is 25281687.60 HUF, but what was read comes to 24158423.60 HUF',
    });
    await expect(read(file, mt940)).rejects.toMatchObject({ line: 7, why: expect.stringContaining('UTF-8') });
  });
});
