import { expect, test } from '@jest/globals';
import { fitHelp } from './fit-help.ts';

const help = `Usage: slipctl fly [options]

Options:
  --how <way>  a description that is longer than the terminal is wide

Flies over whatever
is in its way, and lands.

Examples:
  slipctl fly --how high --and so on and so on

Exit codes: 0 it flew.
`;

test('what comes in parts, each behind a blank line, is broken as well', () => {
  expect(fitHelp('\nFlies over what is there.\n', 12)).toBe('\nFlies over\nwhat is\nthere.\n');
});

test('a terminal that nobody has given a size is as wide as none', () => {
  expect(fitHelp(help, 0)).toBe(fitHelp(help, undefined));
  expect(fitHelp(help, 0)).toContain('Flies over whatever is in its way, and lands.');
});

test('prose is broken for the terminal, and lists and examples stay as they are', () => {
  expect(fitHelp(help, 26)).toBe(`Usage: slipctl fly
[options]

Options:
  --how <way>  a description that is longer than the terminal is wide

Flies over whatever is in
its way, and lands.

Examples:
  slipctl fly --how high --and so on and so on

Exit codes: 0 it flew.
`);
});
