import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { type Role, roles, type Scope, scopesOf } from './roles.ts';

/** With `docs/reference/routes.md`, which names the scope of every route, this is who may call what. */
const holders: Readonly<Record<Scope, readonly Role[]>> = {
  'slips:write': ['publisher'],
  'slips:read': ['publisher', 'ops', 'sre', 'approver'],
  'slips:read:all': ['ops', 'sre', 'approver'],
  'metadata:read': ['publisher', 'ops', 'approver'],
  'accounts:write': ['ops'],
  'reviews:read': ['ops', 'approver'],
  'reviews:write': ['approver'],
  'cases:read': ['ops', 'sre', 'approver'],
  'cases:write': ['ops'],
  'refunds:approve': ['approver'],
  'statements:read': ['ops', 'sre'],
  'statements:write': ['ops'],
  'breaks:write': ['ops'],
  'providers:read': ['ops', 'sre'],
  'providers:write': ['ops'],
  'events:read': ['sre'],
  'watermarks:read': ['ops', 'sre'],
  'dead_letters:read': ['ops', 'sre'],
  'dead_letters:redrive': ['ops', 'sre'],
};

it.each(Object.keys(holders) as Scope[])('%s is held by those who need it, and by admin', (scope) => {
  const having = roles.filter((role) => scopesOf(role).includes(scope));
  expect([...having].sort()).toEqual([...holders[scope], 'admin'].sort());
});

it('the page that says who holds which scope says the same', () => {
  const page = readFileSync(new URL('../../../docs/reference/access.md', import.meta.url), 'utf8');
  const [, columns, rows] = /^\| scope \|(.*)\|\n\| --- .*\n((?:\|.*\n)+)/m.exec(page)!;
  const named = columns!.split('|').map((name) => name.trim());
  const told = rows!
    .trimEnd()
    .split('\n')
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  const shown = Object.fromEntries(
    told.map(([scope, ...cells]) => [
      scope!.replaceAll('`', ''),
      named.filter((_, n) => cells[n] === 'yes').sort(),
    ]),
  );
  const expected = Object.entries(holders).map(([scope, held]) => [scope, [...held, 'admin'].sort()]);
  expect(shown).toEqual(Object.fromEntries(expected));
});

it('nobody but admin may both submit a slip and approve one', () => {
  const both = roles.filter((role) =>
    (['slips:write', 'reviews:write'] as const).every((scope) => scopesOf(role).includes(scope)),
  );
  expect(both).toEqual(['admin']);
});
