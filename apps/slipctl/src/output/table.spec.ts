import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { table } from './table.ts';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
const rows = [
  ['slip', 'status', 'case', 'what happened'],
  [id, 'unknown', '-', 'No answer came by the deadline, and the provider could not be asked.'],
];

describe('a table', () => {
  it('has a line a row where there is no terminal, however long that is', () => {
    expect(table(rows, null).split('\n')).toEqual([
      `slip${' '.repeat(34)}status   case  what happened`,
      `${id}  unknown  -     ${rows[1]![3]}`,
    ]);
  });

  it('may have more rows than a call takes arguments', () => {
    const many = Array.from({ length: 200_000 }, (_, n) => [String(n), 'x']);
    expect(table([['slip', 'status'], ...many], null).split('\n')).toHaveLength(200_001);
  });

  it('breaks texts between words where the terminal is narrower', () => {
    expect(table(rows, 90).split('\n')).toEqual([
      `slip${' '.repeat(34)}status   case  what happened`,
      `${id}  unknown  -     No answer came by the deadline, and`,
      `${' '.repeat(53)}the provider could not be asked.`,
    ]);
  });

  it('makes a block of each row where not even its words fit beside each other', () => {
    expect(table(rows, 52)).toBe(
      [
        `slip           ${id}`,
        'status         unknown',
        'what happened  No answer came by the deadline, and',
        '               the provider could not be asked.',
      ].join('\n'),
    );
  });

  it('lines columns up by what signs take on the screen', () => {
    expect(
      table(
        [
          ['订单-1001', 'x'],
          ['ord-1', 'y'],
        ],
        null,
      ),
    ).toBe('订单-1001  x\nord-1      y');
  });

  it('cuts no word at any width, and fits where the longest words do', () => {
    const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/).filter((text) => text !== '-');
    const cell = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
    const table3 = fc.array(fc.tuple(cell, cell, cell), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(table3, fc.integer({ min: 30, max: 120 }), ([header, ...body], width) => {
        const shown = table([header!, ...body], width);
        const said = new Set(shown.split(/\s+/));
        for (const text of body.flat().flatMap((one) => one.split(' '))) expect(said).toContain(text);
        const names = Math.max(...header!.map((name) => name.length));
        for (const line of shown.split('\n'))
          expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(width, names + 2 + 12));
      }),
    );
  });
});
