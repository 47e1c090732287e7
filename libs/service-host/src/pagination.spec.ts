import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, linkHeader, parsePageSize, rejectUnknownQuery } from './pagination.ts';

const isPair = (value: unknown): value is [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string');

describe('cursors', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.tuple(fc.string({ maxLength: 50 }), fc.string({ maxLength: 50 })), (pair) => {
        expect(decodeCursor(encodeCursor(pair), isPair)).toEqual(pair);
      }),
    );
  });

  it('never throw anything but cursor_invalid, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2000 }), (text) => {
        expect(() => decodeCursor(text, isPair)).toThrow('cursor_invalid');
      }),
    );
  });

  it.each([
    ['of another shape', encodeCursor({ a: 1 })],
    ['with padding', `${encodeCursor(['a', 'b'])}=`],
    ['too long', encodeCursor(['a'.repeat(1000), 'b'])],
    ['empty', ''],
  ])('are refused when %s', (_, cursor) => {
    expect(() => decodeCursor(cursor, isPair)).toThrow('cursor_invalid');
  });
});

describe('parsePageSize', () => {
  it.each([
    [undefined, 50],
    ['1', 1],
    ['1000', 1000],
  ])('%s is %s', (value, size) => expect(parsePageSize(value)).toBe(size));

  it.each(['0', '1001', '-1', '1e2', '05', ' 5', '', ['5', '6']])('refuses %s', (value) => {
    expect(() => parsePageSize(value)).toThrow('malformed_request');
  });
});

describe('rejectUnknownQuery', () => {
  it('lets known parameters through', () => {
    expect(() => rejectUnknownQuery({ status: 'held' }, ['status', 'cursor'])).not.toThrow();
  });

  it('names unknown parameters and those given twice', () => {
    const query = { status: ['a', 'b'], colour: 'red' };
    const errors = [
      { pointer: 'status', detail: 'must be given once' },
      { pointer: 'colour', detail: 'unknown parameter' },
    ];
    expect(() => rejectUnknownQuery(query, ['status'])).toThrow(expect.objectContaining({ errors }));
  });
});

describe('linkHeader', () => {
  it('links the pages around, with the filters of the request', () => {
    expect(linkHeader('/v1/slips?status=held&cursor=old', { next: 'n', previous: 'p' })).toBe(
      '</v1/slips?status=held&cursor=n>; rel="next", </v1/slips?status=held&cursor=p>; rel="prev"',
    );
  });

  it('is absent for a single page', () => {
    expect(linkHeader('/v1/slips', { next: null, previous: null })).toBeNull();
  });
});
