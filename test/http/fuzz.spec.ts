import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import type { ApiDocument, Operation } from './api-description.ts';
import { exampleOf } from './api-description.ts';
import { madeFor, problemOf } from './fuzz.ts';

const document: ApiDocument = {
  openapi: '3.1.0',
  paths: {},
  components: {
    schemas: {
      Money: { properties: { amount: { type: 'string', example: '1250' } }, required: ['amount'] },
      Slip: {
        required: ['reference', 'money'],
        properties: {
          reference: { type: 'string', example: 'ord-1' },
          money: { $ref: '#/components/schemas/Money' },
          route: { type: 'string', default: 'default' },
          note: { type: 'string' },
        },
      },
    },
  },
};
const slip = { $ref: '#/components/schemas/Slip' };
const operation: Operation = {
  service: 'any',
  url: 'http://127.0.0.1:1',
  method: 'POST',
  path: '/v1/slips/{id}',
  described: {
    operationId: 'any',
    parameters: [
      { name: 'id', in: 'path' },
      { name: 'page_size', in: 'query', schema: { type: 'integer' } },
      { name: 'Idempotency-Key', in: 'header' },
    ],
    requestBody: { content: { 'application/json': { schema: slip } } },
    responses: {},
  },
  document,
};

test('an example is made of the description’s examples and defaults, and one that is missing is named', () => {
  expect(exampleOf(slip, document)).toEqual({
    reference: 'ord-1',
    money: { amount: '1250' },
    route: 'default',
  });
  expect(exampleOf({ properties: { all: { items: slip }, none: { items: {} } } }, document)).toEqual({
    all: [exampleOf(slip, document)],
  });
  expect(() => exampleOf({ required: ['x'], properties: { x: { type: 'string' } } }, document)).toThrow(
    'x has no',
  );
  expect(() => exampleOf({ $ref: '#/components/schemas/Nobody' }, document)).toThrow('leads nowhere');
});

test('the same seed makes the same requests, of every part something', () => {
  const many = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 300 }, () => madeFor(operation, ['t'], random));
  };
  expect(many(7)).toEqual(many(7));
  expect(many(7)).not.toEqual(many(8));
  const all = many(7);
  expect(new Set(all.map(({ path }) => path.split('?')[0])).size).toBeGreaterThan(20);
  expect(all.some(({ path }) => path.includes('page_size='))).toBe(true);
  expect(all.filter(({ headers }) => headers.authorization === 'Bearer t').length).toBeGreaterThan(200);
  const id = '019b0000-0000-7000-8000-000000000000';
  const random = seededRandom(3);
  const known = Array.from({ length: 50 }, () => madeFor(operation, ['t'], random, [id]).path);
  expect(known.some((path) => path.startsWith(`/v1/slips/${id}`))).toBe(true);
  const bodies = all.map(({ body }) => String(body));
  expect(bodies.some((body) => body.startsWith('{"reference":"ord-1"'))).toBe(true);
  expect(bodies.some((body) => !body.includes('reference'))).toBe(true);
});

describe('an answer', () => {
  const problem = 'application/problem+json';
  test.each<[string, Parameters<typeof problemOf>]>([
    ['a 500', [500, problem, undefined, '{}']],
    ['a 503 that does not say when to come again', [503, problem, undefined, '{}']],
    ['a 504', [504, problem, '1', '{}']],
    ['an error that is no problem', [404, 'text/html', undefined, '<html>']],
    ['a stack', [400, problem, undefined, '{"detail":"at f (/app/dist/main.js:10:3)"}']],
    ['SQL', [200, 'application/json', undefined, '{"e":"select id from slip where"}']],
  ])('with %s is none that anybody should get', (_, answer) => expect(problemOf(...answer)).not.toBeNull());

  test.each<[string, Parameters<typeof problemOf>]>([
    ['success', [200, 'application/json', undefined, '{"data":[]}']],
    ['problem', [422, `${problem}; charset=utf-8`, undefined, '{"code":"validation_failed"}']],
    ['busy service', [503, problem, '1', '{}']],
  ])('of a %s is right', (_, answer) => expect(problemOf(...answer)).toBeNull());
});
