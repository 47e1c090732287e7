import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { hasPromtool, promtool, promtoolSays } from '../architecture/promtool.ts';
import {
  exampleOf,
  lintApis,
  nameOf,
  type Operation,
  readOperations,
  type Schema,
  services,
} from '../http/api-description.ts';
import { ExampleCheck } from '../http/example-check.ts';
import { fuzz } from '../http/fuzz.ts';
import { ExampleWorld, refused, rulesOfExamples } from '../http/given.ts';
import { ScriptedProvider } from './scripted-provider.ts';
import { bootStack, root, type TestStack } from './support.ts';

const seed = Number(process.env.SEED ?? 20_261_126);
let provider: ScriptedProvider;
let booted: TestStack;
let env: Readonly<Record<string, string>>;
let operations: Operation[];

beforeAll(async () => {
  provider = await ScriptedProvider.start();
  booted = await bootStack({ rules: rulesOfExamples(provider) });
  env = booted.stack.env;
  operations = await readOperations(env);
}, 240_000);
afterAll(async () => {
  await booted?.stop();
  await provider?.stop();
}, 60_000);

/** By service, so that references lead into its own document. */
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const compiled = new Set<string>();

function validator({ service, document }: Operation, schema: Schema): ValidateFunction {
  if (!compiled.has(service)) ajv.addSchema(document, service);
  compiled.add(service);
  const within = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', `"${service}#/components`));
  return ajv.compile(within);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

async function call(operation: Operation, path: string, body?: unknown, key = 'contract'): Promise<Answer> {
  const answer = await fetch(operation.url + path, {
    method: operation.method,
    headers: {
      authorization: `Bearer ${env.TOKEN_ADMIN}`,
      ...(operation.method === 'GET' ? {} : { 'content-type': 'application/json' }),
      'idempotency-key': `"${key}"`,
    },
    ...(operation.method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
  });
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const isEndless = type === 'text/event-stream';
  const text = isEndless ? '' : await answer.text();
  if (isEndless) await answer.body?.cancel();
  return { status: answer.status, type, body: type.endsWith('json') ? JSON.parse(text) : text };
}

/** The answer is one that the operation describes, in form and content. */
function expectDescribed(operation: Operation, { status, type, body }: Answer): void {
  const { responses } = operation.described;
  const response = responses[status] ?? (status >= 400 ? responses.default : undefined);
  expect([nameOf(operation), status, response !== undefined]).toEqual([nameOf(operation), status, true]);
  const { schema } = response?.content?.[type] ?? {};
  if (status >= 400)
    expect([nameOf(operation), type]).toEqual([nameOf(operation), 'application/problem+json']);
  if (!schema) return;
  const valid = validator(operation, schema);
  expect([nameOf(operation), valid(body), valid.errors]).toEqual([nameOf(operation), true, null]);
}

async function statusOf(id: string): Promise<string | null> {
  const headers = { authorization: `Bearer ${env.TOKEN_ADMIN}` };
  const answer = await fetch(`${env.LEDGER_URL}/v1/slips/${id}`, { headers });
  return answer.status === 200 ? ((await answer.json()) as { status: string }).status : null;
}

/** What a route cannot be asked without, or not by everybody. */
function neededQuery({ path }: Operation, slip: string): string {
  const day = (date: number) => `2026-11-0${date}T00:00:00Z`;
  const periods = { before_from: day(1), before_to: day(2), after_from: day(2), after_to: day(3) };
  if (path.endsWith('/comparison')) return `?${new URLSearchParams(periods)}`;
  return path.includes('transactions') ? `?slip=${slip}` : '';
}

function saysWhatComes({ described: { responses } }: Operation): boolean {
  return Object.values(responses['200']?.content ?? {}).some(({ schema }) => schema !== undefined);
}

const unknown = '019b0000-0000-7000-8000-000000000000';

describe('the descriptions of the running services', () => {
  test('are OpenAPI 3.1, and each of their schemas can be used', () => {
    expect(new Set(operations.map(({ service }) => service))).toEqual(new Set(Object.values(services)));
    for (const operation of operations) {
      const { document } = operation;
      expect(document.openapi).toMatch(/^3\.1\./);
      for (const schema of Object.values(document.components.schemas)) validator(operation, schema);
      const all = JSON.stringify(document);
      // Words of OpenAPI 3.0 that mean nothing in 3.1.
      expect([nameOf(operation), all.match(/"nullable":true/)]).toEqual([nameOf(operation), null]);
    }
  });

  test('lint clean by the recommended rules of Redocly and Spectral', async () => {
    const documents = Object.fromEntries(operations.map(({ service, document }) => [service, document]));
    expect(Object.keys(documents)).toHaveLength(Object.keys(services).length);
    expect(await lintApis(documents)).toEqual([]);
    // They look: a description without a summary and with a reference that leads nowhere is not clean.
    const [service, document] = Object.entries(documents)[0]!;
    const spoilt = JSON.parse(JSON.stringify(document).replace('#/components/schemas/Problem', '#/nowhere'));
    delete spoilt.info.description;
    const problems = await lintApis({ [service]: spoilt });
    expect(problems.some((line) => line.includes('redocly no-unresolved-refs'))).toBe(true);
    expect(problems.some((line) => line.includes('spectral info-description'))).toBe(true);
  }, 120_000);

  test('name every route of the service and no other', () => {
    const page = readFileSync(join(root, 'docs/reference/routes.md'), 'utf8');
    for (const service of Object.values(services)) {
      const sections = page.split(/^## /m).filter((part) => /^(.*)\n/.exec(part)?.[1] === service);
      const shared = page.split(/^## /m).filter((part) => part.startsWith('Every service'));
      const routes = [...sections, ...shared].flatMap((part) =>
        [...part.matchAll(/^\| `([A-Z]+) (\S+)`/gm)].map(([, method, path]) => `${method} ${path}`),
      );
      const described = operations
        .filter((operation) => operation.service === service)
        .map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
      expect([service, described.toSorted()]).toEqual([
        service,
        routes.filter((route) => route !== 'GET /openapi.json').toSorted(),
      ]);
    }
  });

  test('call each operation by a name of its own, in the words of the API', () => {
    for (const service of Object.values(services)) {
      const names = operations
        .filter((operation) => operation.service === service)
        .map(({ described }) => described.operationId);
      expect([service, names.filter((name) => !/^[a-z]+([A-Z][a-z]+)+$/.test(name))]).toEqual([service, []]);
      expect([service, names.filter((name, n) => names.indexOf(name) !== n)]).toEqual([service, []]);
    }
  });

  test('say who may call: nobody does without a token but where everybody may', async () => {
    for (const operation of operations) {
      const path = operation.path.replace(/\{\w+\}/g, unknown);
      const answer = await fetch(operation.url + path, { method: operation.method });
      const isOpen = operation.described.security?.length === 0;
      expect([nameOf(operation), answer.status === 401]).toEqual([nameOf(operation), !isOpen]);
    }
  });
});

(hasPromtool ? test : test.skip)(`${promtoolSays} that each service's metrics are sound`, async () => {
  for (const [variable, service] of Object.entries(services)) {
    const shown = await (await fetch(`${env[variable]}/metrics`)).text();
    expect([service, shown.includes(`{version="`)]).toEqual([service, true]);
    expect([service, promtool(['check', 'metrics'], shown)]).toEqual([service, '']);
  }
});

test('every route is open to the roles that the pages name, and to no other', async () => {
  const page = readFileSync(join(root, 'docs/reference/routes.md'), 'utf8');
  const access = readFileSync(join(root, 'docs/reference/access.md'), 'utf8');
  const [, columns, rows] = /^\| scope \|(.*)\|\n\| --- .*\n((?:\|.*\n)+)/m.exec(access)!;
  const roles = columns!.split('|').map((name) => name.trim());
  const holders = new Map(
    rows!
      .trimEnd()
      .split('\n')
      .map((row) => {
        const [scope, ...cells] = row
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', ''));
        return [scope!, new Set(roles.filter((_, n) => cells[n] === 'yes'))];
      }),
  );
  let refused = 0;
  for (const operation of operations) {
    const { service, method, path, described } = operation;
    const named = `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
    const sections = page
      .split(/^## /m)
      .filter((part) => part.startsWith(`${service}\n`) || part.startsWith('Every service'));
    const row = sections
      .flatMap((part) => part.split('\n'))
      .find((line) => line.startsWith(`| \`${named}\` |`));
    const scopes = [...row!.split('|')[2]!.matchAll(/`([^`]+)`/g)].map(([, scope]) => scope!);
    const isOpen = described.security?.length === 0;
    for (const role of roles) {
      const expected = isOpen || scopes.every((scope) => holders.get(scope)!.has(role));
      const asked = path.replace(/\{\w+\}/g, unknown) + neededQuery(operation, unknown);
      const answer = await fetch(operation.url + asked, {
        method,
        headers: { authorization: `Bearer ${env[`TOKEN_${role.toUpperCase()}`]}` },
      });
      await answer.body?.cancel();
      refused += expected ? 0 : 1;
      expect([named, role, answer.status !== 403]).toEqual([named, role, expected]);
    }
  }
  expect(refused).toBeGreaterThan(50);
});

describe('every described operation', () => {
  test('answers as it says: with something, with nothing found, or with what is wrong', async () => {
    for (const operation of operations) {
      const path = operation.path.replace(/\{\w+\}/g, unknown);
      for (const given of [path, `${path}?unheard_of=1`]) {
        const answer = await call(operation, given);
        expectDescribed(operation, answer);
        expect([nameOf(operation), answer.status < 500, answer.status !== 405]).toEqual([
          nameOf(operation),
          true,
          true,
        ]);
        const { detail } = answer.body as { detail?: string };
        expect([nameOf(operation), detail === 'There is nothing at this address.']).toEqual([
          nameOf(operation),
          false,
        ]);
      }
    }
  });

  test.each([
    ['a word', 'nobody'],
    ['upper case', unknown.toUpperCase()],
    ['a path', encodeURIComponent('../../etc/passwd')],
    ['a quote', encodeURIComponent("' or 1=1 --")],
    ['a space behind it', `${unknown}%20`],
    ['NUL', '%00'],
    ['a broken escape', '%zz'],
    ['no UTF-8', '%c3%28'],
    ['more than 255 characters', 'x'.repeat(300)],
  ])('with %s for an id finds nothing: a problem, never a 500', async (_, id) => {
    for (const operation of operations.filter(({ path }) => path.includes('{'))) {
      const answer = await call(operation, operation.path.replace(/\{\w+\}/g, id));
      expectDescribed(operation, answer);
      expect([nameOf(operation), [400, 401, 404, 409, 414, 422].includes(answer.status)]).toEqual([
        nameOf(operation),
        true,
      ]);
    }
  });

  test('that has an example takes it, and answers as it says', async () => {
    const submit = operations.find((one) => nameOf(one) === 'intake POST /v1/slips')!;
    const schema = submit.described.requestBody!.content['application/json']!.schema!;
    const example = exampleOf(schema, submit.document);
    const valid = validator(submit, schema);
    expect([valid(example), valid.errors]).toEqual([true, null]);
    const answer = await call(submit, submit.path, example, 'example');
    expect([answer.status, answer.body]).toEqual([202, expect.anything()]);
    expectDescribed(submit, answer);
    const { id } = answer.body as { id: string };
    const shown = operations.filter(({ service, method }) => service === 'ledger' && method === 'GET');
    const path = (operation: Operation) =>
      operation.path.replace('{id}', operation.path.includes('accounts') ? 'cust-42' : id);
    const ended = async () => ['settled', 'refunded'].includes((await statusOf(id)) ?? '');
    await waitFor(ended, { what: 'the end of the example' });
    for (const operation of shown.filter(({ path }) => /slips|accounts|transactions|stats/.test(path))) {
      const query = neededQuery(operation, id);
      const found = await call(operation, path(operation) + query);
      expect([nameOf(operation), found.status, saysWhatComes(operation)]).toEqual([
        nameOf(operation),
        200,
        true,
      ]);
      expectDescribed(operation, found);
    }
  });

  test('shows a whole body where it takes one, and takes it as it is shown', async () => {
    // A file has a form of its own.
    const taking = operations.filter(
      ({ described }) => described.requestBody?.content['application/json'] !== undefined,
    );
    expect(new Set(taking.map(({ service }) => service)).size).toBeGreaterThan(2);
    for (const [index, operation] of taking.entries()) {
      const schema = Object.values(operation.described.requestBody!.content)[0]!.schema!;
      const example = exampleOf(schema, operation.document);
      const valid = validator(operation, schema);
      expect([nameOf(operation), valid(example), valid.errors]).toEqual([nameOf(operation), true, null]);
      const path = operation.path.replace(/\{\w+\}/g, unknown);
      const answer = await call(operation, path, example, `shown-${index}`);
      expectDescribed(operation, answer);
      // At most what it is about is not there.
      expect([nameOf(operation), answer.status, [400, 415, 422].includes(answer.status)]).toEqual([
        nameOf(operation),
        answer.status,
        false,
      ]);
    }
  });
});

/** `EXAMPLES=record` writes anew what the descriptions show: after a route was added, or answers otherwise. */
const isRecording = process.env.EXAMPLES === 'record';

describe('the examples of the descriptions', () => {
  const check = () => new ExampleCheck({ env, operations, validator });

  test('are there: of each operation what it is asked with, and a whole answer that is as described', () => {
    if (isRecording) return;
    expect(check().missing()).toEqual([]);
  });

  test('are carried out, each by the service that shows it, and answered as described', async () => {
    const world = new ExampleWorld(env, provider);
    const { problems, recorded, followed } = await check().carryOut(world, isRecording);
    expect(problems).toEqual([]);
    // What they make is where they say that it is.
    expect(followed).toBeGreaterThan(5);
    if (!isRecording) return;
    for (const [file, examples] of recorded) {
      const before = JSON.parse(readFileSync(join(root, file), 'utf8')) as object;
      const kept = Object.entries(before).filter(([id]) => id in refused);
      const all = { ...examples, ...Object.fromEntries(kept) };
      writeFileSync(join(root, file), `${JSON.stringify(all, null, 2)}\n`);
    }
  }, 300_000);
});

test(`hostile requests, seed ${seed}: no 5xx, no hang, no process ends`, async () => {
  const { stack } = booted;
  const pids = () => stack.services.names().map((name) => `${name} ${stack.services.pid(name)}`);
  const before = pids();
  const { failures, statuses, taken, operations: count } = await fuzz(env, { requests: 6_000, seed });
  console.log(JSON.stringify(statuses));
  expect(failures.slice(0, 10)).toEqual([]);
  expect(count).toBe(operations.length);
  // They get through to what is behind the first check, and are told apart.
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '401', '403', '404', '422']));
  // What is shown was taken before anything hostile came; of what is hostile a busy machine may take nothing.
  expect(taken).toContain('intake POST /v1/slips');
  expect(pids()).toEqual(before);
  for (const variable of Object.keys(services)) {
    // A service that a busy machine holds up says so for a moment.
    await waitFor(async () => (await fetch(`${env[variable]}/readyz`)).ok, {
      what: `${variable} to be ready`,
    });
  }
}, 300_000);
