import { expect, it } from '@jest/globals';
import { encodeCursor } from './pagination.ts';
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
  expect(parameters.pageSize()).toBe(50);
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
  ['status', 'lost', (p: Parameters) => p.oneOf('status', ['open'])],
  ['partition', '-1', (p: Parameters) => p.integer('partition')],
  ['partition', '1e3', (p: Parameters) => p.integer('partition')],
  ['from', 'yesterday', (p: Parameters) => p.instant('from')],
  ['page_size', '0', (p: Parameters) => p.pageSize()],
])('refuses %s=%j and names it', (name, value, read) => {
  expect(() => read(asked({ [name]: value }))).toThrow(refused(name));
});

it('refuses what it does not know, and what is given twice', () => {
  expect(() => asked({ other: 'x' })).toThrow(refused('other'));
  expect(() => asked({ name: ['a', 'b'] })).toThrow(refused('name'));
});

it('reads a cursor up to its own length, and refuses one of another collection', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const long = 'é'.repeat(300);
  expect(asked({}).cursor(isText)).toBeNull();
  expect(asked({ cursor: encodeCursor(long) }).cursor(isText)).toBe(long);
  expect(() => asked({ cursor: encodeCursor(1) }).cursor(isText)).toThrow(
    expect.objectContaining({ code: 'cursor_invalid' }),
  );
});
