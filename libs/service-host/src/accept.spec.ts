import { describe, expect, it } from '@jest/globals';
import { preferred } from './accept.ts';

const offers = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

describe('of what is offered', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['application/x-ndjson;q=0.9, text/csv;q=0.1', 'application/x-ndjson'],
    ['*/*;q=0.1, text/csv', 'text/csv'],
    ['application/json;q=0, */*', 'text/csv'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['text/html', null],
    ['text/csv;q=0', null],
    ['text/csv;q=nonsense', null],
    ['garbage,,;', null],
  ])('%j asks most for %s', (header, offer) => {
    expect(preferred(header, offers)).toBe(offer);
  });

  it.each([
    ['gzip, deflate, br', 'gzip'],
    ['*', 'gzip'],
    ['identity', null],
    ['gzip;q=0, *', null],
  ])('the encoding %j is %s', (header, offer) => {
    expect(preferred(header, ['gzip'], '*')).toBe(offer);
  });
});
