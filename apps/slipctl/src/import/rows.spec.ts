import { describe, expect, it } from '@jest/globals';
import { unmappedColumns } from './rows.ts';
import { goodCells, header, mappingWith, readCells, rowOf } from './spec-support.ts';

const money = '{ column: price, unit: major, currency: { column: cur } }';

describe('a row', () => {
  it('says what was submitted and what the provider reported', () => {
    expect(rowOf(mappingWith(), { moved: '2018-01-02 08:00:00' })).toEqual({
      line: 2,
      reference: 'o-1',
      account: 'c-1',
      counterparty: 'shop',
      kind: 'order',
      route: 'import',
      amount: null,
      notPositive: false,
      fee: null,
      submittedAt: '2018-01-01T10:00:00.000000Z',
      deadline: '2018-01-05T00:00:00.000000Z',
      reports: [
        { column: 'taken', at: '2018-01-01T10:05:00.000000Z', step: 'acknowledged' },
        { column: 'moved', at: '2018-01-02T08:00:00.000000Z', step: 'progressed', name: 'on_the_way' },
        { column: 'done', at: '2018-01-03T09:00:00.000000Z', step: 'returned', outcome: 'succeeded' },
      ],
    });
  });

  it('returns by the earliest of several answers, in whichever order the columns are', () => {
    const outcomeOf = (cells: Record<string, string>) =>
      rowOf(mappingWith(), cells).reports.filter(({ step }) => step === 'returned');
    expect(outcomeOf({ failed: '2018-01-02 00:00:00' })).toMatchObject([{ outcome: 'failed' }]);
    expect(outcomeOf({ failed: '2018-01-04 00:00:00' })).toMatchObject([{ outcome: 'succeeded' }]);
    expect(outcomeOf({ failed: goodCells.done! })).toMatchObject([{ outcome: 'succeeded' }]);
    expect(outcomeOf({ done: '' })).toEqual([]);
  });

  it('is due a fixed time after its submission where the mapping says so', () => {
    const { deadline } = rowOf(mappingWith({ deadline: '{ after: 36h }' }));
    expect(deadline).toBe('2018-01-02T22:00:00.000000Z');
  });

  it.each([
    ['12.5', 'EUR', 'major', { amount: '1250', currency: 'EUR' }],
    ['1250', 'EUR', 'minor', { amount: '1250', currency: 'EUR' }],
    ['1250', 'JPY', 'major', { amount: '1250', currency: 'JPY' }],
    ['', '', 'major', null],
  ])('with the amount %p %s (%s)', (price, cur, unit, amount) => {
    const mapping = mappingWith({ amount: money.replace('major', unit) });
    expect(rowOf(mapping, { price, cur }).amount).toEqual(amount);
  });

  it.each([
    [{ ref: '' }, 'ref is missing'],
    [
      { ref: 'a\u0007b' },
      'ref must consist of visible characters, with spaces only between them and no control characters',
    ],
    [
      { ref: 'a\nb' },
      'ref must consist of visible characters, with spaces only between them and no control characters',
    ],
    [{ ref: ' a' }, 'ref must consist of visible characters'],
    [{ ref: 'x'.repeat(129) }, 'ref must have at most 128 characters'],
    [{ ref: 'a\uFFFD' }, 'ref is not valid UTF-8'],
    [{ customer: '' }, 'customer is missing'],
    [{ customer: 'payer:bob:held' }, 'customer must not have the form of an account of the books'],
    [{ customer: 'shop' }, 'account and counterparty are the same'],
    [{ sent: '' }, 'sent is missing'],
    [{ sent: 'soon' }, 'sent: "soon" is no time of the form yyyy-MM-dd HH:mm:ss'],
    [{ done: '2018-02-30 00:00:00' }, 'done: "2018-02-30 00:00:00" is no time'],
    [{ due: ' ' }, 'due is missing'],
    [{ price: '1.005', cur: 'EUR' }, 'price: "1.005" is no amount in this unit'],
    [{ price: '1', cur: 'XXX' }, '"XXX" is no ISO 4217 code'],
    [
      { ref: '', sent: 'x', due: 'y' },
      'ref is missing; sent: "x" is no time of the form yyyy-MM-dd HH:mm:ss; due:',
    ],
  ])('%p is bad: %s', (cells, problem) => {
    const result = readCells(mappingWith({ amount: money }), { ...goodCells, ...cells } as Record<
      string,
      string
    >);
    expect(result).toMatchObject({ problem: expect.stringContaining(problem) });
  });

  it('has no money where the file says zero or less, and says so', () => {
    const mapping = mappingWith({ amount: money });
    for (const price of ['0', '-5.00']) {
      expect(rowOf(mapping, { price, cur: 'EUR' })).toMatchObject({ amount: null, notPositive: true });
    }
    expect(rowOf(mapping)).toMatchObject({ amount: null, notPositive: false });
  });

  it('keeps the fee beside the amount', () => {
    const amount = money.replace('price', 'price, fee: failed');
    const mapping = mappingWith({ amount, returned: '[{ column: done, outcome: succeeded }]' });
    const row = rowOf(mapping, { price: '10.00', cur: 'USD', failed: '-0.59' });
    expect(row).toMatchObject({ amount: { amount: '1000' }, fee: '-59' });
  });

  it('leaves columns unread that the mapping does not name', () => {
    expect(unmappedColumns(mappingWith(), header)).toEqual(['price', 'cur']);
  });
});
