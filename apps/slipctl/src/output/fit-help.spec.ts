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
