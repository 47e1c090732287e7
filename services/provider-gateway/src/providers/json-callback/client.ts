import { hash } from 'node:crypto';
import { moneyToJson } from '@slipstream/kernel';
import type { ProviderRules } from '@slipstream/rules';
import type { PreparedCall, Provider } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import { httpStatusOf } from '../transport/call-once.ts';
import type { ProviderClocks } from '../transport/clocks.ts';
import { connectionsOf } from '../transport/declared.ts';
import { httpTransport } from '../transport/http-transport.ts';
import { probeOf } from '../transport/probe.ts';
import { callbackReader } from './callback.ts';
import { capabilities } from './capabilities.ts';
import { cancelOutcome, dispatchOutcome, inquiryOutcome } from './translate.ts';

/**
 * A provider that speaks the protocol `json-callback`: `POST /slips`, `GET /slips/{slip_id}`, where it takes cancellations
 * `POST /slips/{slip_id}/cancel`, and callbacks signed by Standard Webhooks 1.0.0. @throws StartError for a secret that is no Standard Webhooks secret
 */
export function jsonCallbackProvider(rules: ProviderRules, { monotonicMs, nowMs }: ProviderClocks): Provider {
  const { id, baseUrl, connectTimeoutMs, answerTimeoutMs } = rules;
  const can = capabilities(rules);
  const reader = callbackReader(id, rules.secrets, nowMs);
  const connectionsMax = connectionsOf(can, rules);
  const transport = httpTransport({ baseUrl, connectionsMax, connectTimeoutMs, monotonicMs });
  const pathOf = (slipId: string) => `/slips/${encodeURIComponent(slipId)}`;
  const ask = (method: 'GET' | 'POST', path: string) =>
    transport.call({
      ...{ method, path, headers: { accept: 'application/json' }, body: null, answerTimeoutMs },
      startBeforeMs: monotonicMs() + connectTimeoutMs,
    });
  const provider: Provider = {
    id,
    capabilities: can,
    prepare: (dispatch) => prepareCall(dispatch, can.idempotentByReference),
    async send(call, startBeforeMs) {
      const { result, released } = transport.call({
        method: 'POST',
        path: '/slips',
        headers: { 'content-type': 'application/json', 'idempotency-key': call.slipId },
        body: Buffer.from(call.body),
        startBeforeMs,
        answerTimeoutMs,
      });
      const answer = await result;
      const outcome = dispatchOutcome(answer, call.slipId);
      return { outcome, released, ...httpStatusOf(answer) };
    },
    async inquire(slipId) {
      const { result, released } = ask('GET', pathOf(slipId));
      const answer = await result;
      return { outcome: inquiryOutcome(answer, slipId), released, ...httpStatusOf(answer) };
    },
    cancel: can.cancelByReference
      ? async (slipId) => {
          const { result, released } = ask('POST', `${pathOf(slipId)}/cancel`);
          const answer = await result;
          return { outcome: cancelOutcome(answer, slipId), released, ...httpStatusOf(answer) };
        }
      : null,
    callbackReader: reader,
    statements: null,
    probe: null,
    close: () => transport.close(),
  };
  return { ...provider, probe: probeOf(rules, provider, transport, monotonicMs) };
}

/**
 * The exact bytes of an attempt: their digest is written ahead of it. Where the same call again is the same order, it is the
 * same to the byte, and bears no number.
 */
function prepareCall(dispatch: Dispatch, isIdempotent: boolean): PreparedCall {
  const body = Buffer.from(
    JSON.stringify({
      slip_id: dispatch.slipId,
      reference: dispatch.reference,
      kind: dispatch.kind,
      account: dispatch.account,
      counterparty: dispatch.counterparty,
      amount: dispatch.amount && moneyToJson(dispatch.amount),
      ...(isIdempotent ? {} : { attempt: dispatch.attempt }),
    }),
  );
  return { slipId: dispatch.slipId, body, digest: hash('sha256', body, 'hex') };
}
