import { expect, it } from '@jest/globals';
import { type Role, roles, type Scope, scopesOf } from './roles.ts';

/** With `docs/reference/routes.md`, which names the scope of every route, this is who may call what. */
const holders: Readonly<Record<Scope, readonly Role[]>> = {
  'slips:write': ['publisher'],
  'slips:read': ['publisher', 'ops', 'sre', 'approver'],
  'accounts:write': ['ops'],
  'reviews:read': ['ops', 'approver'],
  'reviews:write': ['approver'],
  'cases:read': ['ops', 'sre', 'approver'],
  'cases:write': ['ops'],
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

it('nobody but admin may both submit a slip and approve one', () => {
  const both = roles.filter((role) =>
    (['slips:write', 'reviews:write'] as const).every((scope) => scopesOf(role).includes(scope)),
  );
  expect(both).toEqual(['admin']);
});
