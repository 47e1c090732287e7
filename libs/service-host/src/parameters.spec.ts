import { expect, it } from '@jest/globals';
import { Parameters } from './parameters.ts';

const allowed = ['name', 'status', 'partition', 'from', 'cursor', 'page_size'];
const asked = (query: Record<string, unknown>) => new Parameters(query, allowed);
const refused = (pointer: string) =>
  expect.objectContaining({ code: 'malformed_request', errors: [expect.objectContaining({ pointer })] });

it('gives what was asked for, and undefined for what was not', () => {
  const parameters = asked({ name: 'a b', status: 'open', partition: '11', from: '2026-11-22T10:00:00Z' });
  expect(parameters.text('name')).toBe('a b');
  expect(parameters.oneOf('status', ['open', 'closed'])).toBe('open');
  expect(parameters.integer('partition')).toBe(11);
  expect(parameters.instant('from')).toBe('2026-11-22T10:00:00.000000Z');
  const none = asked({});
  expect([
    none.text('name'),
    none.oneOf('status', ['open']),
    none.integer('partition'),
    none.instant('from'),
  ]).toEqual([undefined, undefined, undefined, undefined]);
});

it.each([
  ['name', '', (p: Parameters) => p.text('name')],
  ['name', 'a\0', (p: Parameters) => p.text('name')],
  ['name', 'x'.repeat(513), (p: Parameters) => p.text('name')],
  ['name', 'eur', (p: Parameters) => p.currency('name')],
  ['name', 'EUR,JPY', (p: Parameters) => p.currency('name')],
  ['status', 'lost', (p: Parameters) => p.oneOf('status', ['open'])],
  ['partition', '-1', (p: Parameters) => p.integer('partition')],
  ['partition', '1e3', (p: Parameters) => p.integer('partition')],
  ['from', 'yesterday', (p: Parameters) => p.instant('from')],
])('refuses %s=%j and names it', (name, value, read) => {
  expect(() => read(asked({ [name]: value }))).toThrow(refused(name));
});

it('refuses what it does not know, and what is given twice', () => {
  expect(() => asked({ other: 'x' })).toThrow(refused('other'));
  expect(() => asked({ name: ['a', 'b'] })).toThrow(refused('name'));
});

it('gives several values of what may be repeated, and refuses wrong ones by name', () => {
  const repeated = new Parameters({ name: ['a', 'b,c'], status: 'open' }, [], ['name', 'status', 'kind']);
  expect(repeated.texts('name')).toEqual(['a', 'b,c']);
  expect(repeated.words('status', ['open', 'closed'])).toEqual(['open']);
  expect(repeated.texts('kind')).toEqual([]);
  expect(() => repeated.words('name', ['a'])).toThrow(refused('name'));
  const empty = new Parameters({ name: ['a', ''] }, [], ['name']);
  expect(() => empty.texts('name')).toThrow(refused('name'));
});

it.each([
  [
    'status',
    'opne',
    (p: Parameters) => p.oneOf('status', ['open', 'closed']),
    'must be one of open, closed; did you mean open?',
  ],
  [
    'status',
    'opne',
    (p: Parameters) => p.words('status', ['open', 'closed']),
    'must be one of open, closed; did you mean open?',
  ],
  ['status', 'xyz', (p: Parameters) => p.oneOf('status', ['open', 'closed']), 'must be one of open, closed'],
  ['statsu', 'open', () => null, 'is an unknown parameter; did you mean status?'],
])('says of %s=%s what was probably meant', (pointer, value, read, detail) => {
  expect(() => read(asked({ [pointer]: value }))).toThrow(
    expect.objectContaining({ errors: [{ pointer, detail }] }),
  );
});

it('refuses a time before the one that it should follow', () => {
  const parameters = new Parameters({ from: '2026-11-22T10:00:00Z', to: '2026-11-22T09:00:00Z' }, [
    'from',
    'to',
  ]);
  expect(() => parameters.span('from', 'to')).toThrow(refused('to'));
  expect(parameters.span('to', 'from')).toEqual([
    '2026-11-22T09:00:00.000000Z',
    '2026-11-22T10:00:00.000000Z',
  ]);
});
