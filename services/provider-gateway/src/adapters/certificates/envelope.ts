import type { SigningKeys } from '@slipstream/identity';
import { moneyToJson } from '@slipstream/kernel';
import type { Certificate } from '../../domain/proof/certificate.ts';
import type { AttemptDenials, Denial } from '../../domain/proof/denials.ts';

/** Of what is signed: its form never changes; another form is another type. The second knows of cancellations. */
export const certificateType = 'application/vnd.slipstream.non-execution.v1+json';
export const certificateTypeWithCancellation = 'application/vnd.slipstream.non-execution.v2+json';

/**
 * Signs certificates: the exact bytes of the payload are, by DSSE 1.0 (github.com/secure-systems-lab/dsse), with Ed25519. What the
 * members mean is in docs/reference/certificates.md; `tools/verify-certificate.mjs` checks one, and shares no code with this.
 */
export function certificateSigner(keys: SigningKeys): (certificate: Certificate) => string {
  return (certificate) => {
    const isCancelled = certificate.denied.some(({ cancelled }) => cancelled);
    const payloadType = isCancelled ? certificateTypeWithCancellation : certificateType;
    return sealed(payloadType, { key_id: keys.keyId, ...statementOf(certificate) }, keys);
  };
}

/** A statement in its envelope (DSSE 1.0). */
export function sealed(payloadType: string, statement: object, keys: SigningKeys): string {
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = keys.sign(preAuthentication(payloadType, payload));
  return JSON.stringify({
    payloadType,
    payload: payload.toString('base64'),
    signatures: [{ keyid: keys.keyId, sig: signature.toString('base64') }],
  });
}

/** DSSE's PAE: type and payload with their lengths, so that no other pair of them has the same bytes. */
function preAuthentication(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function statementOf({ slip, issuedAt, attemptsMade, notSent, denied }: Certificate) {
  const attempts = [
    ...notSent.map(({ attempt, provider, notAfter }) => ({
      ...{ attempt, provider, not_after: notAfter, end: 'not_sent' },
    })),
    ...denied.map(deniedOf),
  ].sort((a, b) => a.attempt - b.attempt);
  return {
    claim: denied.length > 0 ? 'not_executed' : 'never_sent',
    issued_at: issuedAt,
    slip: {
      ...{ id: slip.slipId, caller: slip.caller, reference: slip.reference, kind: slip.kind },
      ...{ account: slip.account, counterparty: slip.counterparty },
      amount: slip.amount && moneyToJson(slip.amount),
      ...{ route: slip.route, deadline: slip.deadline },
    },
    attempts_made: attemptsMade,
    attempts,
  };
}

function deniedOf({ attempt, provider, digest, notAfter, declared, denials, cancelled }: AttemptDenials) {
  const answers = denials.map(answerOf);
  return {
    ...{ attempt, provider, not_after: notAfter, end: cancelled ? 'cancelled' : 'not_found', digest },
    declared: {
      acceptance_delay_max_ms: declared.acceptanceDelayMaxMs,
      visibility_delay_ms: declared.visibilityDelayMs,
      quiet_period_ms: declared.quietPeriodMs,
    },
    ...(cancelled ? { not_found: answers.slice(0, 1), cancelled: answers[1] } : { not_found: answers }),
  };
}

function answerOf({ askedAt, receivedAt, status, body }: Denial) {
  const { length } = body;
  return {
    ...{ asked_at: askedAt, received_at: receivedAt, http_status: status },
    ...{ body_bytes: length, body: Buffer.from(body).toString('base64') },
  };
}
