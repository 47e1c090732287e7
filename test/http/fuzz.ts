import { setTimeout as sleep } from 'node:timers/promises';
import { type SeededRandom, seededRandom } from '@slipstream/kernel';
import { Agent } from 'undici';
import { exampleOf, nameOf, type Operation, type Parameter, readOperations } from './api-description.ts';
import { hostileText, hostileValue, rawSegments, valueFor } from './hostile-values.ts';

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
}

export interface FuzzResult {
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly operations: number;
  /** Operations that did what their own example asks for, before anything hostile came. */
  readonly taken: readonly string[];
  /** Answers that nobody should ever get, with the request that brought them. */
  readonly failures: readonly string[];
}

export interface Sent {
  readonly operation: Operation;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

const inFlight = 16;
const answerTimeoutMs = 30_000;
const shownMax = 300;
/** Ids that answers told, so that requests get behind the look whether there is such a thing. */
const seenMax = 500;

/**
 * Sends what the services' own descriptions show, as it stands there; then requests made from them, each part hostile now and then. Looks at every
 * answer: no 5xx but a 503 that says when to come again, problems as problems, nothing of our inside, no hang.
 */
export async function fuzz(
  env: Readonly<Record<string, string>>,
  { requests, seed }: FuzzOptions,
): Promise<FuzzResult> {
  const operations = await readOperations(env);
  const random = seededRandom(seed);
  const agent = new Agent({
    connections: inFlight,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  });
  const tokens = Object.entries(env).flatMap(([name, value]) => (name.startsWith('TOKEN_') ? [value] : []));
  const withBody = operations.filter(({ described }) => described.requestBody !== undefined);
  const statuses: Record<string, number> = {};
  const failures: string[] = [];
  const seen = new Set<string>();
  const taken: string[] = [];
  const look = async (sent: Sent) => {
    const answer = await judged(agent, sent);
    if (answer.status < '400') remember(answer.text, seen);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (answer.problem !== null) failures.push(`${shown(sent)}: ${answer.problem}`);
    return answer;
  };
  let left = requests;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const operation = random.pick(random.chance(0.4) ? withBody : operations);
      const sent = madeFor(operation, random.chance(0.6) ? [env.TOKEN_ADMIN!] : tokens, random, [...seen]);
      await look(sent);
    }
  };
  try {
    for (const sent of asShown(withBody, env.TOKEN_ADMIN!, seed)) {
      let answer = await look(sent);
      while (answer.status === '503' && answer.problem === null) {
        await sleep(answer.retryAfterS * 1_000);
        answer = await look(sent);
      }
      if (answer.status < '300') taken.push(nameOf(sent.operation));
    }
    await Promise.all(Array.from({ length: inFlight }, work));
  } finally {
    await agent.close();
  }
  return { statuses, operations: operations.length, taken, failures };
}

function remember(text: string, seen: Set<string>): void {
  for (const id of text.match(uuid) ?? []) {
    if (seen.size < seenMax) seen.add(id);
  }
}

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

interface Judged {
  readonly status: string;
  readonly problem: string | null;
  readonly text: string;
  readonly retryAfterS: number;
}

async function judged(agent: Agent, sent: Sent): Promise<Judged> {
  const { operation, path, headers, body } = sent;
  try {
    const answer = await agent.request({
      origin: operation.url,
      method: operation.method as 'GET',
      path,
      headers,
      body,
    });
    const type = String(answer.headers['content-type'] ?? '');
    const text = hasEnd(type) ? await answer.body.text() : '';
    // What goes on for ever was answered once it has begun.
    answer.body.destroy();
    const problem = problemOf(answer.statusCode, type, answer.headers['retry-after'], text);
    const retryAfterS = Number(answer.headers['retry-after'] ?? 0);
    return { status: String(answer.statusCode), problem, text, retryAfterS };
  } catch (error) {
    return { status: 'none', problem: `no answer: ${(error as Error).message}`, text: '', retryAfterS: 0 };
  }
}

const hasEnd = (type: string): boolean => !type.startsWith('text/event-stream');

/** What is wrong with an answer; null when nothing is. */
export function problemOf(status: number, type: string, retryAfter: unknown, text: string): string | null {
  if (status >= 500 && !(status === 503 && retryAfter !== undefined))
    return `${status} ${text.slice(0, shownMax)}`;
  if (status >= 400 && !type.startsWith('application/problem+json'))
    return `${status} as ${type || 'nothing'}`;
  if (
    /\bat [^\n"]*\.[cm]?[jt]s:\d+|node_modules|\b(?:select|insert into|update) .* (?:from|values|set) /i.test(
      text,
    )
  ) {
    return `it tells of our inside: ${text.slice(0, shownMax)}`;
  }
  return null;
}

/** What the descriptions show, about nothing that is there; a reference of its own makes it new. */
function asShown(operations: readonly Operation[], token: string, seed: number): Sent[] {
  return operations.flatMap((operation, n) => {
    const schema = operation.described.requestBody?.content['application/json']?.schema;
    if (!schema) return [];
    const example = exampleOf(schema, operation.document) as Readonly<Record<string, unknown>>;
    const own = 'reference' in example ? { reference: `shown-${seed}-${n}` } : {};
    const headers = {
      ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      'idempotency-key': `"shown-${seed}-${n}"`,
    };
    const path = operation.path.replace(/\{[^}]+\}/g, nothing);
    return [{ operation, path, headers, body: JSON.stringify({ ...example, ...own }) }];
  });
}

const nothing = '019b0000-0000-7000-8000-000000000000';

/**
 * One request for an operation: most of them nearly right, so that they get past the first check.
 * @param seen ids of what is there
 */
export function madeFor(
  operation: Operation,
  tokens: readonly string[],
  random: SeededRandom,
  seen: readonly string[] = [],
): Sent {
  const { parameters = [], requestBody } = operation.described;
  const of = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place);
  const path = operation.path.replace(/\{[^}]+\}/g, () =>
    seen.length > 0 && random.chance(0.5) ? random.pick(seen) : segment(random),
  );
  const query = of('query')
    .filter(({ required }) => required || random.chance(0.25))
    .flatMap(({ name, schema = {} }) =>
      [valueFor(schema, operation.document, random)].flat().map((value) => [name, textOf(value)] as const),
    );
  if (random.chance(0.04)) query.push([hostileText(random), hostileText(random)]);
  const search = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
  const headers: Record<string, string> = {};
  if (random.chance(0.92))
    headers.authorization = `Bearer ${random.chance(0.95) ? random.pick(tokens) : 'x.y.z'}`;
  for (const { name } of of('header')) {
    if (random.chance(0.95)) headers[name.toLowerCase()] = headerValue(random);
  }
  const [[type = 'application/json', { schema = undefined } = {}] = []] = Object.entries(
    requestBody?.content ?? {},
  );
  const hasBody = operation.method !== 'GET' && operation.method !== 'HEAD' && random.chance(0.97);
  const body = hasBody
    ? bodyOf(schema ? valueFor(schema, operation.document, random) : hostileValue(random), random)
    : null;
  if (hasBody) headers['content-type'] = random.chance(0.97) ? type : 'text/plain';
  return { operation, path: search === '' ? path : `${path}?${search}`, headers, body };
}

function segment(random: SeededRandom): string {
  if (random.chance(0.1)) return random.pick(rawSegments);
  return encoded(hostileText(random)) || 'x';
}

function headerValue(random: SeededRandom): string {
  // What no client could send is no test of a server.
  const text = hostileText(random)
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 400);
  return random.chance(0.8) ? `"k-${random.integer(0, 1e9)}"` : text;
}

function bodyOf(value: unknown, random: SeededRandom): string | Buffer {
  const json = JSON.stringify(value) ?? 'null';
  if (random.chance(0.95)) return json;
  const bytes = Buffer.from(json);
  if (random.chance(0.5)) return bytes.subarray(0, random.integer(0, bytes.length));
  if (bytes.length > 0) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
  return bytes;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
const shown = ({ operation, path, headers, body }: Sent) => {
  const { authorization: _, ...told } = headers;
  return `${nameOf(operation)} as ${path} ${JSON.stringify(told)} ${String(body ?? '').slice(0, shownMax)}`;
};
