import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { err, ok, type Result } from '@slipstream/kernel';

/** The public half of an Ed25519 key (RFC 8037), named by its thumbprint (RFC 7638). */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

/** With what a service signs (Ed25519, RFC 8032), and by what it signed before. */
export interface SigningKeys {
  /** Of the key that signs. */
  readonly keyId: string;
  sign(bytes: Uint8Array): Buffer;
  /** Every public key, the one that signs first. */
  readonly publicKeys: readonly PublicKey[];
}

/** Reads a JSON Web Key Set whose first key is private and signs; the others may be the public halves of keys before it. */
export function parseSigningKeys(raw: string): Result<SigningKeys, string> {
  try {
    const { keys } = JSON.parse(raw) as { keys: unknown[] };
    const privateKey = privateKeyOf(keys[0]);
    const publicKeys = keys.map((key) => publicKeyOf(createPublicKey({ key: key as never, format: 'jwk' })));
    return ok({
      keyId: publicKeys[0]!.kid,
      sign: (bytes) => sign(null, bytes, privateKey),
      publicKeys,
    });
  } catch {
    // What is wrong with it may quote it.
    return err('must be a JSON Web Key Set of Ed25519 keys, the first with its private half');
  }
}

/** @param jwk a private Ed25519 key (RFC 8037) @throws Error for anything else */
export function privateKeyOf(jwk: unknown): KeyObject {
  const key = createPrivateKey({ key: jwk as never, format: 'jwk' });
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
  return key;
}

function publicKeyOf(key: KeyObject): PublicKey {
  const { kty, crv, x } = key.export({ format: 'jwk' });
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined) throw new Error('it is no Ed25519 key');
  return { kty, crv, x, kid: thumbprint(x), alg: 'EdDSA', use: 'sig' };
}

/** RFC 7638: the members that make the key, in the order of their names. */
function thumbprint(x: string): string {
  return hash('sha256', JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }), 'base64url');
}
