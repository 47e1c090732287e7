import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { ownedTypes } from './event-types.ts';
import { asyncApi } from './test-support/asyncapi.ts';
import { protoComments } from './test-support/proto-comments.ts';
import { allTopics } from './topics.ts';

const root = join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const page = read('docs/reference/asyncapi.yaml');
const document = parse(page) as {
  readonly channels: Record<string, { readonly messages: Record<string, { readonly $ref: string }> }>;
  readonly components: {
    readonly messages: Record<string, unknown>;
    readonly schemas: Record<string, unknown>;
  };
};

test('docs/reference/asyncapi.yaml is what `npm run asyncapi` writes', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(page).toBe(asyncApi(version, protoComments()));
});

test('it is AsyncAPI 3.0, by the schema of its own makers', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  // Their schema says `format: uri-reference` and the like, and is written for a lenient validator.
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ ...document, channels: [] })).toBe(false);
});

test('it has every topic, and every type that has its owner', () => {
  expect(Object.keys(document.channels)).toEqual(allTopics.map(({ name }) => name));
  const planned = ['hold_released', 'customer_notified', 'notification_failed'];
  const missing = ownedTypes.filter((type) => !(type in document.components.messages));
  expect(missing.filter((type) => !planned.some((name) => type.includes(name)))).toEqual([]);
});

test('every reference leads somewhere', () => {
  const references = [...page.matchAll(/\$ref: ["']?#\/components\/(messages|schemas)\/([^"'\s]+)/g)];
  expect(references.length).toBeGreaterThan(100);
  const { messages, schemas } = document.components;
  const lost = references.filter(([, kind, name]) => !(name! in (kind === 'messages' ? messages : schemas)));
  expect(lost.map(([reference]) => reference)).toEqual([]);
});

test('what a field means is told where proto/ tells it', () => {
  const submitted = document.components.schemas['slipstream.slip.v1.SlipSubmitted'];
  expect(submitted).toMatchObject({
    properties: { reference: { type: 'string', description: 'Unique per caller.' } },
  });
});
