import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { parseKeySet } from './token.ts';

const keys = await generateKeyPair('EdDSA');
const publicJwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };

const parse = (value: unknown) => parseKeySet(JSON.stringify(value));

describe('parseKeySet', () => {
  it('accepts public keys with ids', () => {
    expect(parse({ keys: [publicJwk] })).toEqual({ ok: true, value: { keys: [publicJwk] } });
  });

  it.each([
    ['no JSON', parseKeySet('{'), 'must be JSON'],
    ['null', parse(null), 'non-empty list'],
    ['no keys', parse({ keys: [] }), 'non-empty list'],
    ['a private key', parse({ keys: [publicJwk, { ...publicJwk, d: 'x' }] }), 'key 2 must be a public'],
    ['a symmetric key', parse({ keys: [{ kty: 'oct', k: 'abc', kid: 'k' }] }), 'key 1 must be a public'],
    ['a key without id', parse({ keys: [{ ...publicJwk, kid: undefined }] }), 'with a "kid"'],
    ['an id twice', parse({ keys: [publicJwk, publicJwk] }), 'same "kid"'],
  ])('refuses %s', (_, result, reason) => {
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
  });
});
