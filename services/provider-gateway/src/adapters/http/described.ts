import { schemas } from '@slipstream/service-host';
import { delayKinds } from '../../domain/provider/delays.ts';

const { list, money, object, oneOf, optional, text, time, whole, yesOrNo } = schemas;

const decided = { reason: text, actor: text, changed_at: time };
const milliseconds = { type: 'number' } as const;
const circuitState = oneOf('closed', 'open', 'half_open');
const delays = object({
  ...{ count: whole, p50_ms: optional(milliseconds), p95_ms: optional(milliseconds) },
  ...{ p99_ms: optional(milliseconds), max_ms: optional(milliseconds) },
});

/** A provider as operators see it; what its rules declare is `capabilities`. */
export const describedProvider = object({
  id: text,
  capabilities: { type: 'object' },
  state: optional(object({ disabled: yesOrNo, ...decided })),
  proof: optional(object({ off: yesOrNo, ...decided })),
  observed: object(Object.fromEntries(delayKinds.map((kind) => [kind, delays]))),
  circuit: object({
    ...{ state: circuitState, inquiries: circuitState, calls: whole, failures: whole, timeouts: whole },
    ...{ p50_ms: optional(milliseconds), p95_ms: optional(milliseconds), p99_ms: optional(milliseconds) },
    probe: optional({ type: 'object' }),
  }),
  concurrency: object({ max: whole, instances: whole, here: whole }),
  in_flight: object({ dispatches: whole, inquiries: whole }),
  open_slips: { type: 'object', additionalProperties: whole as object },
  statements: optional(
    list(
      object({
        ...{ day: text, status: oneOf('due', 'reading', 'read'), tries: whole, lines: whole },
        ...{ unmatched: whole, problem: optional(text), next_at: optional(time), read_at: optional(time) },
      }),
    ),
  ),
});

export const describedProviders = object({
  data: list(describedProvider),
  next: optional(text),
  previous: optional(text),
});

const base64 = { ...text, contentEncoding: 'base64' };
const sum = { slips: whole, amounts: list(money) };

/** What it would mean to disable a provider now. */
export const describedDisablePreview = object({
  ...{ dry_run: yesOrNo, provider: text, certain_by: optional(time), open: whole },
  slips: object({ never_sent: object(sum), not_executed: object(sum), unknown: object(sum) }),
  rerouted: list(object({ ...sum, route: text, to: list(text) })),
});

export const describedAsk = object({ slip_id: text, provider: text, ask_at: time });

export const describedQuestion = object({
  ...{ slip_id: text, provider: text, status: oneOf('due', 'asking', 'answered') },
  ...{ ask_at: time, asked_at: optional(time), said: optional(object({ answer: text, detail: text })) },
});

/** A DSSE envelope (github.com/secure-systems-lab/dsse). */
export const describedEnvelope = object({
  ...{ payloadType: text, payload: base64 },
  signatures: list(object({ keyid: text, sig: base64 })),
});

export const describedKeys = object({
  keys: list(
    object({
      ...{ kty: oneOf('OKP'), crv: oneOf('Ed25519'), x: text, kid: text },
      ...{ alg: oneOf('EdDSA'), use: oneOf('sig') },
    }),
  ),
});

/** As json-callback has it; another protocol has a form of its own. */
export const describedCallback = {
  type: 'object' as const,
  required: ['type', 'timestamp', 'data'],
  example: {
    ...{ type: 'slip.updated', timestamp: '2026-11-26T10:39:00Z' },
    data: {
      ...{ slip_id: '019b0000-0000-7000-8000-000000000001', status: 'succeeded', reason: null },
      ...{ provider_id: 'acme-77', amount: { amount: '1250', currency: 'EUR' } },
    },
  },
  properties: {
    type: { type: 'string' as const },
    timestamp: { type: 'string' as const, format: 'date-time' },
    data: {
      type: 'object' as const,
      required: ['slip_id', 'status'],
      properties: {
        slip_id: { type: 'string' as const },
        status: { type: 'string' as const },
        provider_id: { type: 'string' as const },
        reason: { type: ['string', 'null'] as unknown as 'string' },
        amount: money as object,
      },
    },
  },
};
