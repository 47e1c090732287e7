import { expect, it } from '@jest/globals';
import { columnsOf, csvHeader, csvRow } from './csv.ts';
import { list, money, object, oneOf, optional, text, yesOrNo } from './schemas.ts';

const described = object({
  id: text,
  kind: optional(oneOf('order', 'payout')),
  amount: optional(money),
  overdue: yesOrNo,
  evidence: list(text),
  data: optional({ type: 'object' }),
});
const columns = columnsOf(described);
const row = (item: object) =>
  csvRow(columns, { id: 'a', kind: null, amount: null, overdue: false, ...item } as never);

it('names fields within fields by their path', () => {
  expect(csvHeader(columns)).toBe('id,kind,amount.amount,amount.currency,overdue,evidence,data\r\n');
});

it('leaves empty what is absent, and shows lists and free objects as JSON', () => {
  const amount = { amount: '9223372036854775807', currency: 'JPY' };
  expect(row({ amount, evidence: ['e-1', 'e-2'], data: { a: 1 } })).toBe(
    'a,,9223372036854775807,JPY,false,"[""e-1"",""e-2""]","{""a"":1}"\r\n',
  );
  expect(row({})).toBe('a,,,,false,,\r\n');
});

it.each([
  ['a,b', '"a,b"'],
  ['a "b"', '"a ""b"""'],
  ['a\r\nb', '"a\r\nb"'],
  [' a', '" a"'],
  ['é 💸', 'é 💸'],
  ['=cmd()', "'=cmd()"],
  ['+1', "'+1"],
  ['@a', "'@a"],
  ['-a', "'-a"],
  ['-1250', '-1250'],
  ['-1+cmd()', "'-1+cmd()"],
  ['\tx', "'\tx"],
])('writes %j as %j', (id, written) => {
  expect(row({ id })).toBe(`${written},,,,false,,\r\n`);
});
