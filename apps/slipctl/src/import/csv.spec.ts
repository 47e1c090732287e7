import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CsvReader, type CsvRecord } from './csv.ts';

function read(text: string, linesAtOnce = 3): CsvRecord[] {
  const reader = new CsvReader();
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const records: CsvRecord[] = [];
  for (let at = 0; at < lines.length; at += linesAtOnce) {
    records.push(...reader.push(lines.slice(at, at + linesAtOnce)));
  }
  return [...records, ...reader.end()];
}

describe('CSV', () => {
  it('knows the line a record begins on, over quoted line breaks and empty lines', () => {
    expect(read('\uFEFFa,b\r\n1,"two\nlines"\r\n\n"3",4\n')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, fields: ['1', 'two\nlines'] },
      { line: 5, fields: ['3', '4'] },
    ]);
  });

  it('tells ragged rows and goes on', () => {
    expect(read('a,b\n1\n1,2,3\n4,5\n')).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 2, problem: 'has 1 fields where the header has 2' },
      { line: 3, problem: 'has 3 fields where the header has 2' },
      { line: 4, fields: ['4', '5'] },
    ]);
  });

  it('loses only the row with the stray quote', () => {
    const records = read('a,b\n1,"x"y\n2,x"y\n3,4\n5,"open\n6,7\n');
    expect(records.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(records.filter((record) => 'fields' in record)).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 4, fields: ['3', '4'] },
      { line: 6, fields: ['6', '7'] },
    ]);
    expect(records[1]).toEqual({
      line: 2,
      problem: expect.stringMatching(/^is no CSV: Invalid Closing Quote/),
    });
    expect(records[4]).toEqual({ line: 5, problem: 'a quote is opened here and never closed' });
  });

  it('gives up an open quote after a thousand lines', () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => `${index},x`);
    const records = read(['a,b', '"open,1', ...rows].join('\n'), 100);
    expect(records).toHaveLength(3_002);
    expect(records[1]).toEqual({ line: 2, problem: 'a quote is opened here and never closed' });
    expect(records.at(-1)).toEqual({ line: 3_002, fields: ['2999', 'x'] });
  });

  it('reads back every table, however it is cut', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ', 'ü') });
    const tables = fc.array(fc.tuple(cell, cell), { minLength: 1 });
    fc.assert(
      fc.property(tables, fc.integer({ min: 1, max: 5 }), (table, linesAtOnce) => {
        const quoted = table.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        const records = read(quoted.join('\n'), linesAtOnce);
        expect(records.map((record) => ('fields' in record ? record.fields : record))).toEqual(table);
      }),
    );
  });
});
