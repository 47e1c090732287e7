import { randomUUID } from 'node:crypto';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { exampleOf, nameOf, type Operation, type Schema } from './api-description.ts';
import { type ExampleWorld, type Given, givens, refused, serviceOf } from './given.ts';

interface Parts {
  readonly env: Readonly<Record<string, string>>;
  readonly operations: readonly Operation[];
  validator(operation: Operation, schema: Schema): ValidateFunction;
}

interface Recorded extends Given {
  readonly status: number;
  readonly answer?: unknown;
}

/** By the file that keeps them, and the id of the operation. */
type Recordings = ReadonlyMap<string, Readonly<Record<string, Recorded>>>;

/** What every service answers is recorded of one of them. */
const sharedOf = 'ledger';
const sharedFile = 'libs/service-host/examples.json';
/** Of a list so many are shown. */
const shownMax = 2;
const lists = ['data', 'sources'];

/** Sends what the descriptions show, and judges the answers by the schemas beside them. */
export class ExampleCheck {
  readonly #parts: Parts;
  #followed = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What has no example, or one that is not as its schema says. */
  missing(): readonly string[] {
    return this.#parts.operations.flatMap((operation) =>
      this.#lacks(operation).map((what) => `${nameOf(operation)}: ${what}`),
    );
  }

  #lacks(operation: Operation): readonly string[] {
    const { parameters = [], requestBody, responses } = operation.described;
    const needed = parameters.filter(
      ({ in: place, required }) => place === 'path' || (place === 'query' && required),
    );
    const unsaid = needed
      .filter(({ example }) => example === undefined)
      .map(({ name }) => `no example of ${name}`);
    const bodies = Object.entries(requestBody?.content ?? {}).slice(0, 1);
    const answers = successes(operation).flatMap((status) =>
      Object.entries(responses[status]?.content ?? {}),
    );
    const json = answers.filter(([type]) => type.endsWith('json') && type !== 'application/x-ndjson');
    const shows = json.some(([, { example }]) => example !== undefined);
    return [
      ...unsaid,
      ...(bodies.some(([, { example }]) => example === undefined) ? ['no example of its body'] : []),
      ...(answers.length === 0 ? ['nothing is said of its answer'] : []),
      ...(json.length > 0 && !shows ? ['no example of its answer'] : []),
      ...[...bodies, ...json].flatMap(([type, { schema, example }]) => {
        if (example === undefined || schema === undefined || !type.endsWith('json')) return [];
        const valid = this.#parts.validator(operation, schema);
        return valid(example) ? [] : [`an example is not as described: ${JSON.stringify(valid.errors)}`];
      }),
    ];
  }

  /** Each one, one after the other: some make what the next ones are about. */
  async carryOut(
    world: ExampleWorld,
    isRecording: boolean,
  ): Promise<{
    readonly problems: readonly string[];
    readonly recorded: Recordings;
    readonly followed: number;
  }> {
    const problems: string[] = [];
    const recorded = new Map<string, Record<string, Recorded>>();
    for (const operation of this.#parts.operations) {
      const { operationId } = operation.described;
      const given = givens[operationId];
      try {
        if (!given) throw new Error('nobody says what it is to be asked about: test/http/given.ts');
        const sent = merged(operation, await given(world, serviceOf(operation)));
        const { status, answer } = await this.#send(operation, sent, isRecording);
        const file = fileOf(operation);
        if (file === null || operationId in refused) continue;
        const kept = { path: sent.path, query: sent.query, body: sent.body, status, answer: cut(answer) };
        recorded.set(file, { ...recorded.get(file), [operationId]: kept as Recorded });
      } catch (error) {
        problems.push(`${nameOf(operation)}: ${(error as Error).message}`);
      }
    }
    return { problems, recorded, followed: this.#followed };
  }

  async #send(
    operation: Operation,
    { path = {}, query = {}, body, headers = {} }: Given,
    isRecording: boolean,
  ) {
    const { described, method, url } = operation;
    const address = new URL(
      operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]!)),
      url,
    );
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    const answer = await fetch(address, {
      method,
      headers: {
        ...(described.security?.length === 0
          ? {}
          : { authorization: `Bearer ${this.#parts.env.TOKEN_ADMIN}` }),
        ...{ 'idempotency-key': randomUUID() },
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    await this.#follow(answer.headers, address);
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    if (type === 'text/event-stream') await answer.body?.cancel();
    const text = type === 'text/event-stream' ? '' : await answer.text();
    const json = type.endsWith('json') ? (JSON.parse(text) as { code?: string }) : undefined;
    const expected = refused[described.operationId];
    if (expected !== undefined) {
      if (json?.code !== expected) throw new Error(`answered ${answer.status} ${text}, not ${expected}`);
      return { status: answer.status, answer: json };
    }
    const response = described.responses[answer.status];
    if (!answer.ok || !response) throw new Error(`answered ${answer.status} ${text.slice(0, 500)}`);
    const { schema } = response.content?.[type] ?? {};
    if (json !== undefined && !schema && !isRecording) throw new Error('its answer is not described');
    if (json !== undefined && schema) {
      const valid = this.#parts.validator(operation, schema);
      if (!valid(json))
        throw new Error(`not as described: ${JSON.stringify(valid.errors)} ${text.slice(0, 500)}`);
    }
    return { status: answer.status, answer: json };
  }

  /** As a client does: where an answer says that something is, whoever asked for it can read it. */
  async #follow(headers: Headers, asked: URL): Promise<void> {
    const location = headers.get('location');
    if (location === null) return;
    this.#followed += 1;
    const there = new URL(location, asked);
    const position = headers.get('slip-position');
    if (position !== null) there.searchParams.set('min_position', position);
    const { ok, status } = await fetch(there, {
      headers: { authorization: `Bearer ${this.#parts.env.TOKEN_ADMIN}` },
    });
    if (!ok) throw new Error(`its Location ${location} is answered ${status}`);
  }
}

/** What is shown, with what must be there in its place. */
function merged({ described, document }: Operation, given: Given): Given {
  const { parameters = [], requestBody } = described;
  const shown = (place: string) =>
    Object.fromEntries(
      parameters
        .filter((one) => one.in === place && one.example !== undefined)
        .map(({ name, example }) => [name, String(example)]),
    );
  const [content] = Object.values(requestBody?.content ?? {});
  const body = given.body ?? content?.example ?? (content?.schema && exampleOf(content.schema, document));
  return {
    path: { ...shown('path'), ...given.path },
    query: given.query ?? shown('query'),
    body,
    headers: given.headers ?? {},
  };
}

const successes = ({ described: { responses } }: Operation) =>
  Object.keys(responses).filter((status) => status.startsWith('2'));

/** Null: what this service answers is not kept. */
function fileOf({ service, path }: Operation): string | null {
  const isShared = /^\/(v1\/(dead-letters|redrives|stopped-partitions)|livez|readyz|metrics)/.test(path);
  if (!isShared) return `services/${service}/examples.json`;
  return service === sharedOf ? sharedFile : null;
}

/** No longer than people read: of what is a list, its first ones. */
function cut(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const shown = (name: string, one: unknown) =>
    lists.includes(name) && Array.isArray(one) ? one.slice(0, shownMax) : one;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(name, one)]));
}
