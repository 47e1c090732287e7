import { describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { closeBodies } from './closed-bodies.ts';

const to = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } });

describe('what is sent to us', () => {
  it('has no other fields than those named, at any depth, unless it is answered, too, or holds any keys', () => {
    const fields = { type: 'object', properties: {} };
    const schemas: Record<string, Record<string, unknown>> = {
      Body: {
        type: 'object',
        properties: {
          one: { $ref: '#/components/schemas/One' },
          both: { $ref: '#/components/schemas/Both' },
        },
      },
      One: { ...fields },
      Both: { ...fields },
      Answer: { type: 'object', properties: { both: { $ref: '#/components/schemas/Both' } } },
      Map: { type: 'object', additionalProperties: { type: 'string' } },
    };
    const post = {
      requestBody: { content: { 'application/json': to('Body'), 'application/x-map': to('Map') } },
      responses: { 200: { content: { 'application/json': to('Answer') } } },
    };
    const document = { paths: { '/v1/x': { post } }, components: { schemas } };
    closeBodies(document as unknown as OpenAPIObject);
    expect(
      Object.entries(schemas).map(([name, { additionalProperties }]) => [name, additionalProperties]),
    ).toEqual([
      ['Body', false],
      ['One', false],
      ['Both', undefined],
      ['Answer', undefined],
      ['Map', { type: 'string' }],
    ]);
  });
});
