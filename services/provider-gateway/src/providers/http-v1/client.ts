import { createHash } from 'node:crypto';
import { moneyToJson } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import { Pool } from 'undici';
import type { PreparedCall, Provider } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import { callOnce } from '../call-once.ts';
import { capabilities, inquiryConcurrency } from './capabilities.ts';
import { dispatchOutcome, inquiryOutcome } from './translate.ts';

const headerBytesMax = 16_384;
const keepAliveMs = 4_000;

/** A provider that speaks the plain HTTP API, version 1: `POST /slips`, `GET /slips/{slip_id}`, signed callbacks. */
export function httpV1Provider(
  rules: ProviderRules,
  monotonicMs: () => number = () => performance.now(),
): Provider {
  const base = new URL(rules.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const pool = new Pool(base.origin, {
    connections: rules.concurrencyMax + inquiryConcurrency(rules.concurrencyMax),
    // One call at a time on a connection: a call that is lost takes no other with it.
    pipelining: 1,
    // callOnce relies on the HTTP/1.1 client's order of steps.
    allowH2: false,
    connect: { timeout: rules.connectTimeoutMs, allowH2: false },
    keepAliveTimeout: keepAliveMs,
    // Whatever the provider offers: a call on a connection it is just closing would be lost.
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: headerBytesMax,
  });
  return {
    ...capabilities(rules),
    prepare: prepareCall,
    async send(call, startBeforeMs) {
      const { result, released } = callOnce(
        pool,
        {
          method: 'POST',
          path: `${prefix}/slips`,
          headers: { 'content-type': 'application/json', 'idempotency-key': call.slipId },
          body: Buffer.from(call.body),
          startBeforeMs,
          answerTimeoutMs: rules.answerTimeoutMs,
        },
        monotonicMs,
      );
      return { outcome: dispatchOutcome(await result, call.slipId), released };
    },
    async inquire(slipId) {
      const { result, released } = callOnce(
        pool,
        {
          method: 'GET',
          path: `${prefix}/slips/${encodeURIComponent(slipId)}`,
          headers: { accept: 'application/json' },
          body: null,
          startBeforeMs: monotonicMs() + rules.connectTimeoutMs,
          answerTimeoutMs: rules.answerTimeoutMs,
        },
        monotonicMs,
      );
      return { outcome: inquiryOutcome(await result, slipId), released };
    },
    close: () => pool.destroy(),
  };
}

/** The exact bytes of an attempt: their digest is written ahead of it. */
export function prepareCall(dispatch: Dispatch): PreparedCall {
  const body = Buffer.from(
    JSON.stringify({
      slip_id: dispatch.slipId,
      reference: dispatch.reference,
      kind: dispatch.kind,
      account: dispatch.account,
      counterparty: dispatch.counterparty,
      amount: dispatch.amount && moneyToJson(dispatch.amount),
      attempt: dispatch.attempt,
    }),
  );
  return { slipId: dispatch.slipId, body, digest: createHash('sha256').update(body).digest('hex') };
}
