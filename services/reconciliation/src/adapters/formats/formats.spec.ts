import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import iconv from 'iconv-lite';
import type { CsvMapping } from '../../domain/statement/csv-mapping.ts';
import {
  type StatementLine,
  type StatementPart,
  StatementRefused,
} from '../../domain/statement/statement.ts';
import { Adder } from '../../domain/statement/totals.ts';
import { type FileForm, readParts } from './read.ts';

async function read(text: string | Uint8Array, form: FileForm) {
  const adder = new Adder();
  const lines: StatementLine[] = [];
  for await (const part of readParts(Buffer.from(text as string), form, 'file')) {
    adder.add(part);
    lines.push(...movements(part));
  }
  return { statements: adder.statements, lines };
}

function movements(part: StatementPart): readonly StatementLine[] {
  if (part.part === 'line') return [part.movement];
  return part.part === 'entry' ? part.movements : [];
}

const mt940: FileForm = { format: 'mt940', encoding: 'windows-1252' };
const camt053: FileForm = { format: 'camt.053', encoding: 'utf-8' };

const swift = (...entries: readonly string[]) =>
  [':20:RUN', ':25:ACC', ':28C:1/1', ':60F:C261120EUR100,00', ...entries, ':62F:C261120EUR90,00', '-'].join(
    '\r\n',
  );

const camt = (entry: string, closing = '90.00') => `<?xml version="1.0" encoding="utf-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>
<Acct><Id><Othr><Id>ACC</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
${entry}
</Stmt></BkToCstmrStmt></Document>`;
const entry = (amount: string, more = '', status = '<Sts><Cd>BOOK</Cd></Sts>') =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>${status}<BookgDt><Dt>2026-11-20</Dt></BookgDt>${more}</Ntry>`;

describe('MT940', () => {
  test('reads signs, references after keywords, and the code page of its source', async () => {
    const text = swift(
      ':61:2611201120D10,00NTRFORD-1//BANK-1',
      ':86:166?00ÜBERWEISUNG?20EREF+ORD-1-E2E?21SVWZ+Grüße',
    );
    const { statements, lines } = await read(iconv.encode(text, 'windows-1252'), mt940);
    expect(statements).toMatchObject([{ name: 'RUN 1/1', account: 'ACC', lines: 1 }]);
    expect(lines).toMatchObject([
      {
        ...{ amount: -1000n, kind: 'payment', bookedOn: '2026-11-20', providerReference: 'BANK-1' },
        ...{ references: ['ORD-1', 'ORD-1-E2E'], text: expect.stringContaining('Grüße') },
      },
    ]);
  });

  test.each([
    ['C', 1000n, 'payment'],
    ['D', -1000n, 'payment'],
    ['RC', -1000n, 'return'],
    ['RD', 1000n, 'return'],
  ])('an entry marked %s changes the balance by %s', async (mark, amount, kind) => {
    const rest = amount < 0n ? [] : [':61:261120D10,00NMSCNONREF', ':61:261120D10,00NMSCNONREF'];
    const { lines } = await read(swift(`:61:261120${mark}10,00NTRFNONREF`, ...rest), mt940);
    expect(lines[0]).toMatchObject({ amount, kind, references: [] });
  });

  test('knows charges and returns by their code, whoever told the bank of them', async () => {
    const kinds = async (code: string) =>
      (await read(swift(`:61:2611201120D10,00${code}ORD-1`), mt940)).lines.map(({ kind }) => kind);
    expect(await kinds('FCHG')).toEqual(['fee']);
    expect(await kinds('NCOM')).toEqual(['fee']);
    expect(await kinds('FRTI')).toEqual(['return']);
    expect(await kinds('FTRF')).toEqual(['payment']);
  });

  test('knows what its source says of the bank’s own codes, but of what undoes a booking', async () => {
    const declared: FileForm = { ...mt940, codes: new Map([['N077', 'fee']]) };
    const kinds = async (text: string) => (await read(swift(text), declared)).lines.map(({ kind }) => kind);
    expect(await kinds(':61:2611201120D10,00N077')).toEqual(['fee']);
    expect(await kinds(':61:2611201120RC10,00N077')).toEqual(['return']);
  });

  test('ends a message at a hyphen, whatever blanks are behind it', async () => {
    const { statements } = await read(`${swift(':61:2611201120D10,00NTRFORD-1')} \r\n`, mt940);
    expect(statements).toMatchObject([{ totals: [{ closing: 9000n }] }]);
  });

  test('goes on from page to page with what the one before closed with', async () => {
    const paged = (opens: string) =>
      [
        swift(':61:2611201120D10,00NTRFORD-1').replace(':62F:', ':62M:'),
        swift(':61:2611201120D10,00NTRFORD-2')
          .replace('EUR90,00', 'EUR80,00')
          .replace(':60F:C261120EUR100,00', `:60M:C261120EUR${opens}`),
      ].join('\n');
    expect((await read(paged('90,00'), mt940)).statements).toHaveLength(2);
    await expect(read(paged('95,00'), mt940)).rejects.toMatchObject({
      line: 11,
      why: 'the page opens with 95.00 EUR, but the one before it closed with 90.00 EUR',
    });
  });

  test('passes over what banks tell among themselves', async () => {
    const { lines } = await read(swift(':NS:22ABC', ':61:261120D10,00NTRFNONREF', ':NS:23DEF'), mt940);
    expect(lines).toMatchObject([{ amount: -1000n }]);
  });

  test('an entry of January that is booked in December before is of that year', async () => {
    const { lines } = await read(swift(':61:2601021231D10,00NTRFNONREF'), mt940);
    expect(lines[0]!.bookedOn).toBe('2025-12-31');
  });

  test.each([
    ['166?20EREF+OR?21D-1 KREF+K-1?22MREF+M', ['ORD-1', 'K-1']],
    ['EREF+ORD-1 SVWZ+for EREF', ['ORD-1']],
    ['/TRTP/SEPA/EREF/ORD/1//REMI/hello', ['ORD/1']],
    ['/EREF/OR\nD-1/REMI/hello', ['ORD-1']],
    ['/EREF/NOTPROVIDED/REMI/hello', []],
    ['/REMI/hello/EREF/ORD-1', ['ORD-1']],
  ])('names in %j are %j', async (text, references) => {
    const { lines } = await read(swift(':61:261120D10,00NTRFNONREF', `:86:${text}`), mt940);
    expect(lines[0]!.references).toEqual(references);
  });

  test('has lines that end with CR alone, and a name for each of its statements', async () => {
    const one = swift(':61:261120D10,00NTRFNONREF');
    const text = `${one}\r\n${one.replace(':20:RUN\r\n', '').replace('1/1', '2/1')}`;
    const { statements } = await read(text.replaceAll('\r\n', '\r'), mt940);
    expect(statements).toMatchObject([
      { name: 'RUN 1/1', line: 4, lines: 1 },
      { name: 'RUN 2/1', line: 10, lines: 1 },
    ]);
  });

  test.each([
    [swift(':61:261131D10,00NTRFNONREF'), 5, 'no day 261131'],
    [swift(':61:261120X10,00NTRFNONREF'), 5, ':61: is no entry'],
    [swift(':61:261120D10,005NTRFNONREF'), 5, '10,005 is no amount of EUR'],
    [swift(':99:what'), 5, 'no field :99:'],
    [swift(':61:261120D11,00NTRFNONREF'), 6, 'what was read comes to 89.00 EUR'],
    [':20:RUN\n:60F:C261120EUR1,00\n', 2, 'ends before the closing balance'],
    ['hello\n', 1, 'no field of MT940'],
    ['', 1, 'holds no statement'],
    [':20:RUN\n:25:ACC\n-\n', 1, 'holds no statement'],
    [swift(':61:1120D10,00NTRFNONREF'), 5, ':61: is no entry'],
  ])('refuses %j in line %i', async (text, line, why) => {
    await expect(read(text, mt940)).rejects.toMatchObject({ line, why: expect.stringContaining(why) });
  });
});

describe('camt', () => {
  test('reads a batch of one entry, and passes over what is pending', async () => {
    const part = (name: string, amount: string) =>
      `<TxDtls><Refs><AcctSvcrRef>B-${name}</AcctSvcrRef><EndToEndId>${name}</EndToEndId></Refs><Amt Ccy="EUR">${amount}</Amt></TxDtls>`;
    const batch = `<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>${part('o-1', '4')}${part('o-2', '6')}</NtryDtls>`;
    const text = camt(entry('10.00', batch) + entry('99.00', '', '<Sts>PDNG</Sts>'));
    const { statements, lines } = await read(text, camt053);
    expect(statements).toMatchObject([{ name: 'S1', account: 'ACC', lines: 2 }]);
    expect(lines).toMatchObject([
      { amount: -400n, references: ['o-1'], providerReference: 'B-o-1', line: 6 },
      { amount: -600n, references: ['o-2'], providerReference: 'B-o-2' },
    ]);
  });

  test('a reversal has the sign that it says, and came back', async () => {
    const { lines } = await read(camt(entry('10.00', '<RvslInd>true</RvslInd>')), camt053);
    expect(lines).toMatchObject([{ amount: -1000n, kind: 'return' }]);
  });

  const summed = (told: string, more = entry('10.00')) => camt(`<TxsSummry>${told}</TxsSummry>${more}`);
  const batchOf = (total: string) =>
    entry('10.00', `<NtryDtls><Btch><TtlAmt Ccy="EUR">${total}</TtlAmt></Btch></NtryDtls>`);

  /** 6.00 of two transactions one way, and 4.00 of one: together or, where its mark is the other one, what is left of both. */
  const batched = (amount: string, mark: string, count: number, parts: readonly string[], told = '') =>
    `<NtryDtls><Btch><NbOfTxs>${count}</NbOfTxs><TtlAmt Ccy="EUR">${amount}</TtlAmt>${mark && `<CdtDbtInd>${mark}</CdtDbtInd>`}</Btch>` +
    `${parts.map((part) => `<TxDtls><Amt Ccy="EUR">${part}</Amt>${told}</TxDtls>`).join('')}</NtryDtls>`;
  const twoBatches = ({ first = '6.00', mark = '', count = 2, amount = '10.00', more = '' } = {}) =>
    entry(amount, more + batched(first, '', count, ['2', '4']) + batched('4.00', mark, 1, ['4']));

  test('reads batches of one entry, each with its own mark where it has one', async () => {
    const amounts = async (text: string, closing?: string) =>
      (await read(camt(text, closing), camt053)).lines.map(({ amount, kind }) => [amount, kind]);
    expect(await amounts(twoBatches())).toEqual([
      [-200n, 'payment'],
      [-400n, 'payment'],
      [-400n, 'payment'],
    ]);
    const both = twoBatches({ mark: 'CRDT', amount: '2.00' });
    expect(await amounts(both, '98.00')).toEqual([
      [-200n, 'payment'],
      [-400n, 'payment'],
      [400n, 'payment'],
    ]);
  });

  test.each<[string, string, bigint, bigint]>([
    [
      'before it was exchanged',
      '<AmtDtls><InstdAmt><Amt Ccy="USD">11</Amt></InstdAmt></AmtDtls>',
      -1000n,
      -1000n,
    ],
    [
      'with charges on top',
      '<AmtDtls><InstdAmt><Amt Ccy="EUR">9.25</Amt></InstdAmt></AmtDtls><Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.75</TtlChrgsAndTaxAmt></Chrgs>',
      ...([-1000n, -925n] as const),
    ],
    [
      'with charges that are not what lies between',
      '<AmtDtls><InstdAmt><Amt Ccy="EUR">9.25</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">10</Amt></TxAmt></AmtDtls><Chrgs><Amt Ccy="EUR">0.50</Amt></Chrgs>',
      ...([-1000n, -1000n] as const),
    ],
  ])('reads one transaction told %s', async (_, told, amount, gross) => {
    const text = entry('10.00', `<NtryDtls><TxDtls>${told}</TxDtls></NtryDtls>`);
    const { lines } = await read(camt(text), camt053);
    expect(lines).toMatchObject([{ amount, gross, currency: 'EUR' }]);
  });

  test('reads charges that were taken from what came in', async () => {
    const told =
      '<AmtDtls><InstdAmt><Amt Ccy="EUR">10</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">9.25</Amt></TxAmt></AmtDtls><Chrgs><Rcrd><Amt Ccy="EUR">0.75</Amt></Rcrd></Chrgs>';
    const text = entry('9.25', `<NtryDtls><TxDtls>${told}</TxDtls></NtryDtls>`).replace('DBIT', 'CRDT');
    const { lines } = await read(camt(text, '109.25'), camt053);
    expect(lines).toMatchObject([{ amount: 925n, gross: 1000n }]);
  });

  const instructed = '<AmtDtls><InstdAmt><Amt Ccy="EUR">10</Amt></InstdAmt></AmtDtls>';
  const record = (amount: string, mark = '') =>
    `<Rcrd><Amt Ccy="EUR">${amount}</Amt>${mark && `<CdtDbtInd>${mark}</CdtDbtInd>`}</Rcrd>`;
  const detailed = (told: string) => `<NtryDtls><TxDtls>${told}</TxDtls></NtryDtls>`;

  test.each([
    ['several records', detailed(`${instructed}<Chrgs>${record('0.75')}${record('0.25')}</Chrgs>`)],
    [
      'one that gives some back',
      detailed(`${instructed}<Chrgs>${record('1.25')}${record('0.25', 'CRDT')}</Chrgs>`),
    ],
    [
      'elements of their own',
      detailed(
        `${instructed}<Chrgs><Amt Ccy="EUR">0.75</Amt></Chrgs><Chrgs><Amt Ccy="EUR">0.25</Amt></Chrgs>`,
      ),
    ],
    ['the entry', `<Chrgs>${record('1')}</Chrgs>${detailed(instructed)}`],
    ['the entry without its transaction', `${instructed}<Chrgs>${record('1')}</Chrgs>`],
    ['the amount of the transaction', detailed(`<Amt Ccy="EUR">10</Amt><Chrgs>${record('1')}</Chrgs>`)],
  ])('reads charges that are told by %s', async (_, told) => {
    const text = entry('9.00', told).replace('DBIT', 'CRDT');
    const { lines } = await read(camt(text, '109.00'), camt053);
    expect(lines).toMatchObject([{ amount: 900n, gross: 1000n }]);
  });

  test('reads what was charged for a batch as a fee of its own', async () => {
    const parts = ['o-1', 'o-2'].map(
      (name) => `<TxDtls><Refs><EndToEndId>${name}</EndToEndId></Refs><Amt Ccy="EUR">10</Amt></TxDtls>`,
    );
    const batch = (charge: string) =>
      camt(
        entry(
          '19.50',
          `<Chrgs>${record(charge)}</Chrgs><NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>${parts.join('')}</NtryDtls>`,
        ).replace('DBIT', 'CRDT'),
        '119.50',
      );
    const { lines } = await read(batch('0.50'), camt053);
    expect(lines.map(({ kind, amount, references }) => [kind, amount, references])).toEqual([
      ['payment', 1000n, ['o-1']],
      ['payment', 1000n, ['o-2']],
      ['fee', -50n, []],
    ]);
    await expect(read(batch('0.40'), camt053)).rejects.toMatchObject({
      why: expect.stringContaining('its transactions add up to 20.00 EUR'),
    });
  });

  test('knows returns and charges by their codes', async () => {
    const code = (sub: string) =>
      `<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>${sub}</SubFmlyCd></Fmly></Domn></BkTxCd>`;
    const kindOf = async (more: string) => (await read(camt(entry('10.00', more)), camt053)).lines[0];
    for (const sub of ['RRTN', 'RPCR', 'UPDD'])
      expect(await kindOf(code(sub))).toMatchObject({ kind: 'return' });
    for (const sub of ['CHRG', 'COMM', 'FEES', 'COMT', 'TAXE'])
      expect(await kindOf(code(sub))).toMatchObject({ kind: 'fee' });
    expect(await kindOf(code('ESCT'))).toMatchObject({ kind: 'payment' });
    const own = camt(entry('10.00', '<BkTxCd><Prtry><Cd>807</Cd></Prtry></BkTxCd>'));
    expect((await read(own, camt053)).lines).toMatchObject([{ kind: 'payment' }]);
    const declared: FileForm = { ...camt053, codes: new Map([['807', 'fee']]) };
    expect((await read(own, declared)).lines).toMatchObject([{ kind: 'fee' }]);
    expect(await kindOf(detailed('<RtrInf><Rsn><Prtry>X1</Prtry></Rsn></RtrInf>'))).toMatchObject({
      ...{ kind: 'return', reason: 'X1' },
    });
    expect(await kindOf(detailed('<RtrInf/>'))).toMatchObject({ kind: 'return', reason: null });
  });

  test('is read in the encoding that it says, by whatever name', async () => {
    const text = camt(entry('10.00', detailed('<RmtInf><Ustrd>Grüße</Ustrd></RmtInf>')));
    const said = (name: string) => text.replace('encoding="utf-8"', `encoding="${name}"`);
    const files = [
      ...['utf-16le', 'utf-16be'].flatMap((one) =>
        [true, false].map((addBOM) => iconv.encode(said('UTF-16'), one, { addBOM })),
      ),
      iconv.encode(said('ISO-8859-1'), 'iso-8859-1'),
      iconv.encode(said('Latin1'), 'iso-8859-1'),
      Buffer.from(said('UTF8')),
    ];
    for (const file of files) expect((await read(file, camt053)).lines).toMatchObject([{ text: 'Grüße' }]);
    await expect(read(said('EBCDIC'), camt053)).rejects.toMatchObject({
      ...{ line: 1, why: 'the encoding ebcdic is not read here' },
    });
    await expect(read(said('toString'), camt053)).rejects.toMatchObject({ line: 1 });
  });

  test('reads the reference that has a place of its own, and all that is written', async () => {
    const told =
      '<RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd><Strd><CdtrRefInf><Ref>o-7</Ref></CdtrRefInf></Strd></RmtInf>';
    expect((await read(camt(entry('10.00', detailed(told))), camt053)).lines).toMatchObject([
      { references: ['o-7'], text: 'one\ntwo' },
    ]);
    const bare = entry('10.00', '<AddtlNtryInf>of the entry</AddtlNtryInf>');
    expect((await read(camt(bare), camt053)).lines).toMatchObject([{ text: 'of the entry' }]);
  });

  test('refuses a statement that stands twice in its file, but not one that leads the same way again', async () => {
    const one = /<Stmt>.*<\/Stmt>/s.exec(camt(entry('10.00')))![0];
    const back = one
      .replace('>100.00<', '>x<')
      .replace('>90.00<', '>100.00<')
      .replace('>x<', '>90.00<')
      .replace(
        '<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT',
        '<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT',
      );
    const file = (...all: readonly string[]) => camt(entry('10.00')).replace(one, all.join('\n'));
    await expect(read(file(one, one), camt053)).rejects.toMatchObject({
      line: 9,
      why: 'S1 is the statement that begins in line 3 once more',
    });
    expect((await read(file(one, back, one), camt053)).statements).toHaveLength(3);
  });

  test('reads two batches of one notification that are undone, told as they were done or as they are booked', async () => {
    for (const mark of ['', '<CdtDbtInd>CRDT</CdtDbtInd>', '<CdtDbtInd>DBIT</CdtDbtInd>']) {
      const details = batched('6.00', '', 2, ['2', '4'], mark) + batched('4.00', '', 1, ['4'], mark);
      const undone = entry('10.00', `<RvslInd>true</RvslInd>${details}`).replace('DBIT', 'CRDT');
      const text = camt(undone + undone, '')
        .replaceAll(/<Bal>.*?<\/Bal>/g, '')
        .replace('camt.053', 'camt.054')
        .replaceAll('Stmt>', 'Ntfctn>');
      const { lines } = await read(text, { format: 'camt.054', encoding: 'utf-8' });
      expect(lines.map(({ amount, kind }) => [amount, kind])).toEqual(
        [200n, 400n, 400n, 200n, 400n, 400n].map((amount) => [amount, 'return']),
      );
    }
  });

  test('adds up to what its summary says, with what is pending', async () => {
    const told =
      '<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>109</Sum><TtlNetNtry><Amt>109</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries><TtlDbtNtries><Sum>109.00</Sum></TtlDbtNtries>';
    const pending = entry('99.00', '', '<Sts>PDNG</Sts>');
    expect((await read(summed(told, entry('10.00') + pending), camt053)).lines).toHaveLength(1);
    expect((await read(camt(batchOf('10.00')), camt053)).lines).toMatchObject([{ amount: -1000n }]);
  });

  test.each(['true', '1'])('a reversal told by %s came back', async (told) => {
    const { lines } = await read(camt(entry('10.00', `<RvslInd>${told}</RvslInd>`)), camt053);
    expect(lines).toMatchObject([{ kind: 'return' }]);
  });

  test.each([
    [summed('<TtlNtries><Sum>10.01</Sum></TtlNtries>'), 6, 'add up to 10.00 EUR'],
    [
      summed('<TtlNtries><TtlNetNtry><Amt>10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>'),
      ...([6, 'TtlNetNtry says CRDT 10.00, and the entries add up to -10.00 EUR'] as const),
    ],
    [
      summed('<TtlNtries><TtlNetNtryAmt>10.01</TtlNetNtryAmt><CdtDbtInd>DBIT</CdtDbtInd></TtlNtries>'),
      ...([6, 'TtlNtries says DBIT 10.01, and the entries add up to -10.00 EUR'] as const),
    ],
    [camt(entry('10.00')).replace('<Id>S1</Id>', ''), 4, 'the statement has no Id'],
    [summed('<TtlCdtNtries><NbOfNtries>1</NbOfNtries></TtlCdtNtries>'), 6, 'and there are 0'],
    [camt(batchOf('10.01')), 6, 'the batch says 10.01 EUR'],
    [camt(twoBatches({ first: '5.99' })), 6, 'the batch says 5.99 EUR, and what is booked of it is 6.00 EUR'],
    [camt(twoBatches({ count: 3 })), 6, 'it has 4 transactions, and has 3'],
    [camt(twoBatches({ mark: 'CRDT' })), 6, 'its transactions add up to -2.00 EUR'],
    [camt(entry('10.00', '', '')), 6, 'Ntry has no Sts'],
    [camt(entry('10.00', '', '<Sts><Prtry>X</Prtry></Sts>')), 6, 'Sts must be BOOK'],
    [
      camt('').replace(
        '<Bal>',
        '<Bal><Tp><CdOrPrtry><Cd>PRCD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">99.99</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal><Bal>',
      ),
      4,
      'it was said before to be 99.99 EUR',
    ],
    [`<!DOCTYPE a [<!ENTITY b "c">]>${camt('')}`, 1, 'document type'],
    [camt('<Ntry>&b;</Ntry>'), 6, 'not well-formed'],
    [camt('<Ntry>'), 7, 'not well-formed'],
    [camt(entry('10.00')).replace('camt.053', 'camt.052'), 2, 'and not camt.053'],
    [camt(entry('10.00'), '91.00'), 5, 'the closing balance is 91.00 EUR'],
    [camt(entry('-10.00')), 6, '-10.00 is no amount of EUR'],
    [camt(entry('10.00').replace('DBIT', 'DEBIT')), 6, 'CdtDbtInd'],
    [camt(entry('10.00').replace('2026-11-20', '2026-02-30')), 6, 'no day'],
    ['<?xml version="1.0" encoding="utf-16"?><a/>', 1, 'utf-16'],
    ['<a/>', 1, 'of no namespace'],
  ])('refuses %j in line %i', async (text, line, why) => {
    await expect(read(text, camt053)).rejects.toMatchObject({ why: expect.stringContaining(why), line });
  });
});

describe('NDJSON', () => {
  const form: FileForm = { format: 'ndjson', encoding: 'utf-8' };
  const head =
    '{"statement":"s","opening":[{"amount":"0","currency":"EUR"}],"closing":[{"amount":"-5","currency":"EUR"}]}';

  test('reads statements one after the other', async () => {
    const line =
      '{"amount":"-5","currency":"EUR","booked_on":"2026-11-20","references":["o-1"],"outcome":"failed"}';
    const { statements, lines } = await read(`${head}\n${line}\n${head}\n${line}\n`, form);
    expect(statements).toHaveLength(2);
    expect(lines[0]).toMatchObject({ amount: -5n, gross: -5n, outcome: 'failed', references: ['o-1'] });
  });

  test('reads names without what is around them, and each once', async () => {
    const line =
      '{"amount":"-5","currency":"EUR","booked_on":"2026-11-20","references":[""," o-1 ","o-1"],"provider_reference":" p-1 "}';
    const { lines } = await read(`${head}\n${line}\n`, form);
    expect(lines).toMatchObject([{ references: ['o-1'], providerReference: 'p-1' }]);
  });

  test.each([
    [`${head}\n{"amount":-5}`, 2, 'minor units as text'],
    [`${head}\n{"amount":"-5","currency":"EUR","booked_on":"2026-11-20","refs":[]}`, 2, 'unknown field refs'],
    [head, 1, 'the closing balance is -0.05 EUR'],
    [head.replace(']}', ',{"amount":"-6","currency":"EUR"}]}'), 1, 'said before to be -0.05 EUR'],
    ['{"amount":"-5","currency":"EUR","booked_on":"2026-11-20"}', 1, 'outside of any statement'],
    ['', 1, 'empty'],
    ['[]', 1, 'no JSON object'],
    [`${head}\n{"amount":"-5","amount":"-6","currency":"EUR","booked_on":"2026-11-20"}`, 2, 'amount'],
    ['{"statement":"a\\u0000b"}', 1, 'no JSON object'],
  ])('refuses %j in line %i', async (text, line, why) => {
    await expect(read(text, form)).rejects.toMatchObject({ line, why: expect.stringContaining(why) });
  });
});

const mapping: CsvMapping = {
  ...{ delimiter: ';', decimals: { decimal: ',', thousands: '.' }, unit: 'major', dateForm: 'DD.MM.YYYY' },
  ...{ amount: { column: 'Betrag' }, gross: null, currency: { value: 'EUR' }, date: 'Tag' },
  ...{ references: ['Ref'], providerReference: null, text: 'Text', balance: 'Saldo', kind: null },
  order: 'oldest_first',
  outcome: {
    column: 'Stand',
    words: new Map([
      ['ok', 'succeeded'],
      ['nein', 'failed'],
    ] as const),
  },
  balances: new Map(),
};

describe('CSV', () => {
  const form: FileForm = { format: 'csv', encoding: 'windows-1252', csv: mapping };
  const head = 'Tag;Betrag;Ref;Text;Saldo;Stand\r\n';

  test('is read in UTF-16, as spreadsheets write it', async () => {
    const text = `${head}20.11.2026;-1,50;o-1;Grüße;-1,50;ok\r\n`;
    const file = iconv.encode(text, 'utf-16le', { addBOM: true });
    expect((await read(file, { ...form, encoding: 'utf-16' })).lines).toMatchObject([{ text: 'Grüße' }]);
  });

  test('reads declared separators, quotes over lines, and words of the outcome', async () => {
    const text = `${head}20.11.2026;-1.234,50;o-1;"Grüße\r\nzwei";-1.234,50;ok\r\n21.11.2026;0,00;o-2;;-1.234,50;nein\r\n`;
    const { statements, lines } = await read(iconv.encode(text, 'windows-1252'), form);
    expect(statements[0]!.totals).toEqual([
      {
        ...{ currency: 'EUR', opening: 0n, movements: -123450n, closing: -123450n, closesOn: '2026-11-21' },
        booked: { first: '2026-11-20', last: '2026-11-21' },
      },
    ]);
    expect(lines).toMatchObject([
      { line: 2, amount: -123450n, text: 'Grüße\nzwei', outcome: 'succeeded', bookedOn: '2026-11-20' },
      { line: 4, amount: 0n, outcome: 'failed' },
    ]);
  });

  test.each([
    [`${head}20.11.2026;-1.5,00;o-1;;0;ok`, 2, 'Betrag: -1.5,00 is no amount'],
    [`${head}20.11.2026;-1,50;o-1;;-1,50;wer`, 2, 'Stand is wer, which the source does not declare'],
    [
      `${head}20.11.2026;-1,50;o-1;;-1,50;ok\n20.11.2026;-1,50;o-2;;-3,01;ok`,
      3,
      'the balance behind this line is -3.01',
    ],
    [`${head}30.02.2026;-1,50;o-1;;-1,50;ok`, 2, '30.02.2026 is no day'],
    [`${head}20.11.2026;-1,50\n`, 2, 'it is no CSV'],
    [`${head}20.11.2026;"-1,50`, 2, 'it is no CSV'],
    ['Tag;Betrag\n', 1, 'no column Ref, Text, Saldo, Stand'],
    ['Tag;Tag\n', 1, 'twice'],
    ['', 1, 'empty'],
  ])('refuses %j in line %i', async (text, line, why) => {
    await expect(read(text, form)).rejects.toMatchObject({ line, why: expect.stringContaining(why) });
  });
});

test('whatever bytes come, a file is read or refused with its line', async () => {
  const random = seededRandom(20_261_126);
  const files: [FileForm, Uint8Array][] = [
    [mt940, Buffer.from(swift(':61:2611201120D10,00NTRFORD-1//BANK-1', ':86:166?20EREF+ORD-1-E2E'))],
    [camt053, Buffer.from(camt(entry('10.00')))],
    [
      { format: 'csv', encoding: 'utf-8', csv: mapping },
      Buffer.from('Tag;Betrag;Ref;Text;Saldo;Stand\n20.11.2026;-1,50;o-1;"a";-1,50;ok\n'),
    ],
    [
      { format: 'ndjson', encoding: 'utf-8' },
      Buffer.from('{"statement":"s"}\n{"amount":"-5","currency":"EUR","booked_on":"2026-11-20"}\n'),
    ],
  ];
  for (const [form, body] of files) {
    for (let n = 0; n < 300; n++) {
      const bytes = Uint8Array.from(body);
      for (let changes = random.integer(1, 3); changes > 0; changes--)
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      const cut = bytes.subarray(0, n % 3 === 0 ? random.integer(0, bytes.length) : bytes.length);
      const error = await read(cut, form).then(
        () => null,
        (refused: unknown) => refused,
      );
      if (error !== null && !(error instanceof StatementRefused)) throw error;
    }
  }
});

describe('a CSV of people’s own', () => {
  const plain: CsvMapping = {
    ...mapping,
    ...{
      date: 'day',
      amount: { column: 'sum' },
      references: ['ref'],
      text: null,
      outcome: null,
      balance: null,
    },
  };
  const readSums = async (sums: readonly string[], more: Partial<CsvMapping> = {}) => {
    const rows = sums.map((sum) => `20.11.2026;${sum};o-1`);
    const text = ['day;sum;ref', ...rows].join('\n');
    const { lines } = await read(text, { format: 'csv', encoding: 'utf-8', csv: { ...plain, ...more } });
    return lines.map(({ amount }) => amount);
  };

  test('knows the signs of people’s own: spaces that do not break, bent apostrophes, a minus behind or a real one', async () => {
    const spaces = { decimals: { decimal: ',', thousands: ' ' } } as const;
    expect(await readSums(['1\u00a0234,50', '1\u202f234,50', '1 234,50'], spaces)).toEqual([
      123450n,
      123450n,
      123450n,
    ]);
    const swiss = { decimals: { decimal: '.', thousands: "'" } } as const;
    expect(await readSums(['1’234.50', "1'234.50"], swiss)).toEqual([123450n, 123450n]);
    expect(await readSums(['10,00-', '\u221210,00', '-10,00'])).toEqual([-1000n, -1000n, -1000n]);
  });

  test.each(['-10,00-', '(10,00)', '1 234,50', '1.23,50', '١٠,00', '10,00 EUR', '--1'])(
    '%s is no amount',
    async (sum) => {
      await expect(readSums([sum])).rejects.toMatchObject({
        line: 2,
        why: expect.stringContaining('no amount'),
      });
    },
  );

  test('takes no debit below zero where no balance says what it means', async () => {
    const text = 'day;in;out;ref;after\n20.11.2026;;-10,00;o-1;10,00\n';
    const sided = { ...plain, amount: { credit: 'in', debit: 'out' } };
    const form = (csv: CsvMapping): FileForm => ({ format: 'csv', encoding: 'utf-8', csv });
    await expect(read(text, form(sided))).rejects.toMatchObject({
      line: 2,
      why: expect.stringContaining('below zero'),
    });
    const { lines } = await read(text, form({ ...sided, balance: 'after' }));
    expect(lines).toMatchObject([{ amount: 1000n }]);
  });

  test('may have its newest row first', async () => {
    const rows = ['21.11.2026;5,00;o-2;15,00', '20.11.2026;-2,00;o-1;10,00', '19.11.2026;12,00;o-0;12,00'];
    const csv = { ...plain, balance: 'after', order: 'newest_first' } as const;
    const readRows = (given: readonly string[]) =>
      read(['day;sum;ref;after', ...given].join('\n'), { format: 'csv', encoding: 'utf-8', csv });
    const { statements, lines } = await readRows(rows);
    expect(statements[0]!.totals).toEqual([
      {
        ...{ currency: 'EUR', opening: 0n, movements: 1500n, closing: 1500n, closesOn: '2026-11-21' },
        booked: { first: '2026-11-19', last: '2026-11-21' },
      },
    ]);
    expect(lines.map(({ amount }) => amount)).toEqual([500n, -200n, 1200n]);
    await expect(readRows(rows.toReversed())).rejects.toMatchObject({ line: 3 });
    await expect(readRows(rows.with(1, '20.11.2026;-2,00;o-1;10,01'))).rejects.toMatchObject({
      ...{
        line: 3,
        why: 'the balance behind this line is 10.01 EUR, but the newer one begins with 10.00 EUR',
      },
    });
  });

  test('reads lines that end with CR alone, and no row is lost in the header', async () => {
    const text = 'day;sum;ref;more\r20.11.2026;1,00;o-1;\r20.11.2026;2,00;"o\r2";x';
    const { lines } = await read(text, { format: 'csv', encoding: 'utf-8', csv: plain });
    expect(lines.map(({ line, references }) => [line, references])).toEqual([
      [2, ['o-1']],
      [3, ['o\n2']],
    ]);
  });

  test('refuses bytes that its code page does not have, and days with a digit too many', async () => {
    const text = Buffer.concat([Buffer.from('day;sum;ref\n20.11.2026;1,00;'), Buffer.from([0x81, 10])]);
    await expect(read(text, { format: 'csv', encoding: 'gb18030', csv: plain })).rejects.toMatchObject({
      ...{ line: 2, why: 'it has bytes that are nothing in gb18030' },
    });
    const form: FileForm = { format: 'csv', encoding: 'utf-8', csv: plain };
    await expect(read('day;sum;ref\n20.11.20261;1,00;o\n', form)).rejects.toMatchObject({ line: 2 });
  });
});
