import { hash } from 'node:crypto';
import type { ProviderRules } from '@slipstream/rules';
import type { PreparedCall, Provider } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import { httpStatusOf } from '../transport/call-once.ts';
import type { ProviderClocks } from '../transport/clocks.ts';
import { connectionsOf } from '../transport/declared.ts';
import { httpTransport } from '../transport/http-transport.ts';
import { probeOf } from '../transport/probe.ts';
import { capabilities } from './capabilities.ts';
import { statementOf } from './statement.ts';
import { dispatchOutcome, inquiryOutcome } from './translate.ts';

/** Some hundred thousand lines: more is refused, and said. */
const statementBytesMax = 16 * 1024 * 1024;
/** It is long, and the process waits for it when it ends. */
const statementTimeoutMsMin = 15_000;

/**
 * A provider that speaks the protocol `poll-statement`: `POST /v2/orders` is accepted, and what became of an order is asked
 * for at `GET /v2/orders/{order_ref}`; it calls nobody back. An API key lets calls in.
 */
export function pollStatementProvider(rules: ProviderRules, { monotonicMs }: ProviderClocks): Provider {
  const { id, baseUrl, connectTimeoutMs, answerTimeoutMs } = rules;
  const can = capabilities(rules);
  const connectionsMax = connectionsOf(can, rules);
  const transport = httpTransport({ baseUrl, connectionsMax, connectTimeoutMs, monotonicMs });
  const headers = { 'x-api-key': rules.secrets.current };
  const provider: Provider = {
    id,
    capabilities: can,
    prepare: prepareCall,
    async send(call, startBeforeMs) {
      const { result, released } = transport.call({
        method: 'POST',
        path: '/v2/orders',
        headers: { ...headers, 'content-type': 'application/json' },
        body: Buffer.from(call.body),
        startBeforeMs,
        answerTimeoutMs,
      });
      const answer = await result;
      const outcome = dispatchOutcome(answer, call.slipId);
      return { outcome, released, ...httpStatusOf(answer) };
    },
    async inquire(slipId) {
      const { result, released } = transport.call({
        method: 'GET',
        path: `/v2/orders/${encodeURIComponent(slipId)}`,
        headers: { ...headers, accept: 'application/json' },
        body: null,
        startBeforeMs: monotonicMs() + connectTimeoutMs,
        answerTimeoutMs,
      });
      const answer = await result;
      return { outcome: inquiryOutcome(answer, slipId), released, ...httpStatusOf(answer) };
    },
    cancel: null,
    callbackReader: null,
    statements: rules.statement && {
      ...rules.statement,
      async fetch(day) {
        const { result } = transport.call({
          method: 'GET',
          path: `/v2/statements/${day}`,
          headers: { ...headers, accept: 'text/csv' },
          body: null,
          startBeforeMs: monotonicMs() + connectTimeoutMs,
          answerTimeoutMs: Math.max(answerTimeoutMs, statementTimeoutMsMin),
          bytesMax: statementBytesMax,
        });
        return statementOf(await result);
      },
    },
    probe: null,
    close: () => transport.close(),
  };
  return { ...provider, probe: probeOf(rules, provider, transport, monotonicMs) };
}

/** The exact bytes of an attempt: their digest is written ahead of it. */
function prepareCall({ slipId, kind, amount, account, counterparty }: Dispatch): PreparedCall {
  const body = Buffer.from(
    JSON.stringify({
      order_ref: slipId,
      type: kind,
      amount_minor: amount === null ? null : String(amount.amount),
      currency: amount?.currency ?? null,
      payer: account,
      payee: counterparty,
    }),
  );
  return { slipId, body, digest: hash('sha256', body, 'hex') };
}
