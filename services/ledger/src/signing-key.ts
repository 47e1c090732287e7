import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { privateKeyOf } from '@slipstream/identity';
import { err, ok, type Result } from '@slipstream/kernel';

/** Who signs, as a name in signed notes (C2SP). */
const signer = 'slipstream.ledger';
/** Ed25519, as signed notes number it. */
const algorithm = Buffer.from([1]);

/** Signs checkpoints as notes (https://c2sp.org/signed-note). */
export interface SigningKey {
  /** Eight hexadecimal digits. */
  readonly id: string;
  /** `name+id+key`: what anybody needs to verify a note. */
  readonly verifierKey: string;
  /** The text, an empty line, and a line with the signature. */
  sign(text: string): string;
}

/** @param raw a private Ed25519 key as JWK (RFC 8037) */
export function parseSigningKey(raw: string): Result<SigningKey, string> {
  const key = readPrivate(raw);
  if (key === null)
    return err('must be a private Ed25519 key as JWK: {"kty":"OKP","crv":"Ed25519","x":…,"d":…}');
  return ok(signingKey(key));
}

function readPrivate(raw: string): KeyObject | null {
  try {
    return privateKeyOf(JSON.parse(raw));
  } catch {
    return null;
  }
}

export function signingKey(key: KeyObject): SigningKey {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const named = Buffer.concat([algorithm, Buffer.from(x!, 'base64url')]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${signer}\n`), named]), 'buffer').subarray(0, 4);
  return {
    id: id.toString('hex'),
    verifierKey: `${signer}+${id.toString('hex')}+${named.toString('base64')}`,
    sign(text) {
      const signature = Buffer.concat([id, sign(null, Buffer.from(text), key)]);
      return `${text}\n— ${signer} ${signature.toString('base64')}\n`;
    },
  };
}
