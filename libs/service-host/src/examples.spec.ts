import { expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { readExamples, showExamples } from './examples.ts';

const document = () =>
  ({
    paths: {
      '/things/{id}': {
        post: {
          operationId: 'Things_change',
          parameters: [
            { name: 'id', in: 'path', schema: { type: 'string' } },
            { name: 'page_size', in: 'query', schema: { type: 'integer' } },
            { name: 'status', in: 'query', schema: { type: 'array' } },
            { name: 'If-Match', in: 'header' },
          ],
          requestBody: { content: { 'application/json': {} } },
          responses: {
            200: { content: { 'text/csv': {}, 'application/json': {} } },
            202: { content: { 'application/json': {} } },
          },
        },
        get: { operationId: 'Things_show', responses: { 200: { content: { 'application/json': {} } } } },
      },
    },
  }) as unknown as OpenAPIObject;

it('an operation shows what it was once asked with, and what it answered then', () => {
  const shown = document();
  showExamples(shown, {
    Things_change: {
      ...{ path: { id: 'a' }, query: { page_size: '2', status: 'open' } },
      ...{ body: { to: 1 }, status: 200, answer: { done: true } },
    },
    Nobody_knows: { status: 200 },
  });
  const { post, get } = shown.paths['/things/{id}']!;
  const { parameters, requestBody, responses } = post as unknown as {
    parameters: { example?: unknown }[];
    requestBody: unknown;
    responses: unknown;
  };
  expect(parameters.map(({ example }) => example)).toEqual(['a', 2, ['open'], undefined]);
  expect(requestBody).toEqual({ content: { 'application/json': { example: { to: 1 } } } });
  expect(responses).toEqual({
    200: { content: { 'text/csv': {}, 'application/json': { example: { done: true } } } },
    202: { content: { 'application/json': {} } },
  });
  expect(get).toEqual({
    operationId: 'Things_show',
    responses: { 200: { content: { 'application/json': {} } } },
  });
});

it('what every service has is shown by each', () => {
  expect(readExamples(undefined)).toHaveProperty('listDeadLetters.answer.data');
});
