import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createTokenVerifier, parseKeySet } from './token.ts';

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

describe('a token', () => {
  const issuer = 'https://issuer.test';
  const audience = 'slipstream';
  const startMs = Date.parse('2026-11-22T10:00:00Z');
  let clock: { ms: number };
  let verify: ReturnType<typeof createTokenVerifier>;
  let signatures: jest.SpiedFunction<typeof globalThis.crypto.subtle.verify>;

  beforeEach(() => {
    clock = { ms: startMs };
    verify = createTokenVerifier({ jwks: { keys: [publicJwk] }, issuer, audience }, () => clock.ms);
    signatures = jest.spyOn(globalThis.crypto.subtle, 'verify');
  });
  afterEach(() => signatures.mockRestore());

  const sign = (subject: string, more: { from?: number; key?: typeof keys.privateKey } = {}) =>
    new SignJWT({ scope: 'slips:write', iss: issuer, aud: audience, sub: subject })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setNotBefore(startMs / 1_000 + (more.from ?? 0))
      .setExpirationTime(startMs / 1_000 + 600)
      .sign(more.key ?? keys.privateKey);

  it('that was good is not checked again before it expires, and then it is', async () => {
    const token = await sign('shop');
    const first = await verify(token);
    clock.ms += 600_000 + 29_999;
    expect(await verify(token)).toBe(first);
    expect(signatures).toHaveBeenCalledTimes(1);
    clock.ms += 1;
    await expect(verify(token)).rejects.toThrow('The token has expired.');
  });

  it('of another subject, or altered by a letter, is checked by itself', async () => {
    const token = await sign('shop');
    expect((await verify(token)).subject).toBe('shop');
    expect((await verify(await sign('other'))).subject).toBe('other');
    const altered = token.replace(/.(?=.{20}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    for (let time = 0; time < 2; time++)
      await expect(verify(altered)).rejects.toThrow('could not be verified');
    expect(signatures).toHaveBeenCalledTimes(4);
  });

  it('whose time has not come is refused, also when a clock was set back', async () => {
    const early = await sign('shop', { from: 60 });
    await expect(verify(early)).rejects.toThrow("The token's nbf is not accepted.");
    clock.ms += 60_000;
    expect((await verify(early)).subject).toBe('shop');
    clock.ms -= 60_000;
    await expect(verify(early)).rejects.toThrow("The token's nbf is not accepted.");
  });

  it('is forgotten when many others came since', async () => {
    const tokens = await Promise.all(Array.from({ length: 502 }, (_, index) => sign(`caller-${index}`)));
    for (const token of tokens) await verify(token);
    await verify(tokens.at(-1)!);
    expect(signatures).toHaveBeenCalledTimes(502);
    await verify(tokens[0]!);
    expect(signatures).toHaveBeenCalledTimes(503);
  });
});
