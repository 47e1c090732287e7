import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Listener } from './listener.ts';
import type { Outages } from './outages.ts';
import { sendProblem } from './problem.ts';
import type { Provider } from './provider.ts';
import { FAULTS, parseRules, type Rule, RuleError, type RuleInput, showRule } from './rules.ts';
import { newServer } from './server.ts';
import { showTruth, type TruthStore } from './truth.ts';

const expression = { type: 'string', minLength: 1, maxLength: 256 };
const optionalTime = { type: ['string', 'null'], format: 'date-time' };
const rulesSchema = {
  type: 'array',
  maxItems: 1000,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['fault'],
    properties: {
      fault: { enum: FAULTS },
      provider: { type: ['string', 'null'] },
      match: {
        type: ['object', 'null'],
        additionalProperties: false,
        properties: { reference: expression, account: expression },
      },
      rate: { type: 'number', minimum: 0, maximum: 1 },
      from: optionalTime,
      to: optionalTime,
      delay_ms: { type: ['integer', 'null'], minimum: 0, maximum: 86_400_000 },
    },
  },
};
const noFilters = { type: 'object', additionalProperties: false };
const statementQuery = {
  type: 'object',
  additionalProperties: false,
  required: ['provider', 'day'],
  properties: { provider: { type: 'string' }, day: { type: 'string', format: 'date' } },
};

export interface AdminParts {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly truth: TruthStore;
  readonly outages: Outages;
  readonly rules: { current: readonly Rule[] };
  readonly now: () => number;
}

/** The admin API: rules in, truth and statements out. */
export function adminHttp(parts: AdminParts): FastifyInstance {
  const app = newServer();
  const ids = new Set(parts.providers.keys());
  const plain = { schema: { querystring: noFilters } };
  const showRules = () => ({ data: parts.rules.current.map(showRule) });

  app.get('/livez', plain, async () => ({ status: 'ok' }));
  app.get('/readyz', plain, async (_request, reply) => {
    if (parts.outages.settled()) return { status: 'ok' };
    const detail = 'a provider should listen and does not; see GET /v1/providers';
    return sendProblem(reply, { status: 503, code: 'not_ready', detail });
  });
  app.get('/v1/providers', plain, async () => ({
    data: [...parts.providers].map(([id, provider]) => showProvider(provider, parts.listeners.get(id))),
  }));
  app.get('/v1/rules', plain, async () => showRules());
  app.put('/v1/rules', { schema: { querystring: noFilters, body: rulesSchema } }, async (request, reply) => {
    try {
      parts.rules.current = parseRules(request.body as RuleInput[], ids);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const { message: detail, pointer } = error;
      return sendProblem(reply, { status: 400, code: 'invalid_rule', detail, pointer });
    }
    await parts.outages.apply();
    return showRules();
  });
  app.get('/v1/truth', plain, async (_request, reply) => {
    reply.header('truth-dropped', parts.truth.dropped).type('application/json');
    return reply.send(Readable.from(truthJson(parts.truth, parts.now())));
  });
  app.get('/v1/statement', { schema: { querystring: statementQuery } }, async (request, reply) => {
    const { provider, day } = request.query as { provider: string; day: string };
    const found = parts.providers.get(provider);
    if (found) return { data: found.statement(day) };
    const detail = `there is no provider "${provider}"; known: ${[...ids].join(', ')}`;
    return sendProblem(reply, { status: 400, code: 'unknown_provider', detail });
  });
  return app;
}

function showProvider(provider: Provider, listener: Listener | undefined): object {
  const { secret: _secret, port: _port, ...shown } = provider.config;
  return { ...shown, url: listener?.url, listening: listener?.listening };
}

/** In pieces: the whole truth may be longer than the longest string. */
function* truthJson(truth: TruthStore, nowMs: number): Generator<string> {
  let left = truth.size;
  let piece = '{"data":[';
  for (const record of truth.records()) {
    left -= 1;
    if (left < 0) break;
    piece += `${JSON.stringify(showTruth(record, nowMs))}${left > 0 ? ',' : ''}`;
    if (piece.length < 65_536) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}`;
}
