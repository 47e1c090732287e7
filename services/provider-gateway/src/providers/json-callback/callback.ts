import { timingSafeEqual } from 'node:crypto';
import { nameLengthMax, SlipstreamError, StartError } from '@slipstream/kernel';
import { Webhook } from 'standardwebhooks';
import {
  type CallbackHeaders,
  type CallbackMessage,
  type CallbackReader,
  SignatureMismatch,
  type UnreadableMessage,
} from '../../application/ports.ts';
import { Garbage, type Json, NoJson, parseJson, text } from '../transport/read-answer.ts';
import { toAnswer } from './translate.ts';

/** How far the time that was signed may lie from now, as Standard Webhooks says. */
const toleranceMs = 5 * 60_000;

/**
 * Reads callbacks of one provider. Both secrets are good while they are rotated. `nowMs`: the time of day that its age is judged by.
 * @throws StartError for a secret that is no Standard Webhooks secret
 */
export function callbackReader(
  provider: string,
  secrets: { readonly current: string; readonly next: string | null },
  nowMs: () => number,
): CallbackReader {
  const next = secrets.next === null ? [] : [open(provider, 'secret_next', secrets.next)];
  const webhooks = [open(provider, 'secret', secrets.current), ...next];
  return {
    read(body, headers) {
      const { webhookId, signed } = checkHeaders(headers, nowMs());
      if (!webhooks.some((webhook) => verifies(webhook, body, signed))) {
        throw new SignatureMismatch();
      }
      return { webhookId, message: understand(body) };
    },
    understand,
  };
}

function open(provider: string, key: 'secret' | 'secret_next', secret: string): Webhook {
  try {
    const webhook = new Webhook(secret);
    const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length;
    if (bytes < 24) throw new Error('it has less than 24 bytes');
    return webhook;
  } catch (error) {
    throw new StartError('A provider secret is not usable:', [
      `providers.${provider}.${key}: must be whsec_ and base64 of 24 to 64 bytes: ${(error as Error).message}`,
    ]);
  }
}

interface Signed {
  readonly id: string;
  readonly at: Date;
  /** One or more, of any version. */
  readonly signatures: readonly string[];
}

/** Exactly one of each. The id must not hold the dot that parts the signed content, or two contents could be signed alike. */
function checkHeaders(headers: CallbackHeaders, nowMs: number): { webhookId: string; signed: Signed } {
  const [webhookId, at, signature] = [
    only('webhook-id', headers),
    only('webhook-timestamp', headers),
    only('webhook-signature', headers),
  ];
  if (webhookId.length > nameLengthMax || !/^[\x21-\x2d\x2f-\x7e]+$/.test(webhookId)) {
    throw new SlipstreamError('signature_invalid', 'The webhook-id is not usable.');
  }
  if (!/^[1-9][0-9]{0,11}$/.test(at)) {
    throw new SlipstreamError('signature_invalid', 'The webhook-timestamp is no number of seconds.');
  }
  const signedAt = new Date(Number(at) * 1_000);
  if (Math.abs(nowMs - signedAt.getTime()) > toleranceMs) {
    throw new SlipstreamError('signature_invalid', 'The webhook-timestamp is more than 5 minutes off.');
  }
  return { webhookId, signed: { id: webhookId, at: signedAt, signatures: signature.split(' ') } };
}

function only(name: string, headers: CallbackHeaders): string {
  const values = headers[name] ?? [];
  if (values.length !== 1 || values[0] === '') {
    throw new SlipstreamError('signature_invalid', `Send exactly one ${name} header.`);
  }
  return values[0]!;
}

/** The library's own check judges the age by the process's clock. */
function verifies(webhook: Webhook, body: Buffer, { id, at, signatures }: Signed): boolean {
  const wanted = Buffer.from(webhook.sign(id, at, body));
  return signatures.some((one) => {
    const given = Buffer.from(one);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

/** Reads the body as the provider's own event. */
function understand(body: Buffer): CallbackMessage | UnreadableMessage {
  let names: string | null = null;
  try {
    const { data } = parseJson(body);
    if (typeof data !== 'object' || data === null || Array.isArray(data))
      throw new Garbage('data is missing');
    const json = data as Json;
    const slipId = text(json.slip_id);
    if (slipId === null || slipId !== json.slip_id) throw new Garbage('data.slip_id is missing');
    names = slipId;
    return { slipId, answer: toAnswer(json) };
  } catch (error) {
    if (!(error instanceof Garbage)) throw error;
    return {
      problem: error.message,
      ...(error instanceof NoJson && { isMalformed: true }),
      ...(names !== null && { names }),
    };
  }
}
