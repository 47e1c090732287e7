import { describe, expect, it } from '@jest/globals';
import { filterValuesMax, linkHeader, parsePageSize, rejectUnknownQuery } from './pagination.ts';

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
    const query = { status: ['a', 'b'], colour: 'red', statsu: 'a' };
    const errors = [
      { pointer: 'status', detail: 'must be given once' },
      { pointer: 'colour', detail: 'is an unknown parameter' },
      { pointer: 'statsu', detail: 'is an unknown parameter; did you mean status?' },
    ];
    expect(() => rejectUnknownQuery(query, ['status'])).toThrow(expect.objectContaining({ errors }));
  });

  it('lets those be repeated that may be, a bounded number of times', () => {
    const of = (count: number) => ({ status: Array.from({ length: count }, (_, n) => `s${n}`) });
    expect(() => rejectUnknownQuery(of(filterValuesMax), [], ['status'])).not.toThrow();
    expect(() => rejectUnknownQuery(of(filterValuesMax + 1), [], ['status'])).toThrow('malformed_request');
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
