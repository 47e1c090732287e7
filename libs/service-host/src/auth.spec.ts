import 'reflect-metadata';
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import type { CallerIdentity } from '@slipstream/identity';
import { exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose';
import { Caller, Public, Scopes } from './auth.ts';
import { createService, type Service } from './service.ts';
import { audience, issuer, publicJwk, settings, signToken } from './spec-support.ts';

@Controller('things')
class ThingsController {
  @Scopes('slips:read')
  @Get()
  read(@Caller() caller: CallerIdentity) {
    return caller;
  }

  @Scopes('slips:read', 'slips:write')
  @Get('write')
  write() {
    return {};
  }

  @Public()
  @Get('open')
  open() {
    return { open: true };
  }

  @Get('forgotten')
  forgotten() {
    return {};
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let service: Service;
beforeAll(async () => {
  service = await createService({ name: 'things', module: ThingsModule, settings });
});
afterAll(() => service.stop());

const now = () => Math.floor(Date.now() / 1000);
const get = (path: string, authorization?: string) =>
  fetch(`${service.url}${path}`, authorization === undefined ? {} : { headers: { authorization } });
const unsigned = (header: object, claims: object) =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
const claims: JWTPayload = {
  iss: issuer,
  aud: audience,
  sub: 'mallory',
  scope: 'slips:read',
  exp: 4_000_000_000,
};

describe('a token', () => {
  it('that is good opens the route and names the caller', async () => {
    const answer = await get(
      '/things',
      `Bearer ${await signToken({ role: 'ops', scope: 'slips:read a:b' })}`,
    );
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ subject: 'alice', role: 'ops', scopes: ['slips:read', 'a:b'] });
  });

  it('may name one of several audiences, and be up to 30 s out of date', async () => {
    const token = await signToken({ aud: ['other', audience], exp: now() - 10, nbf: now() + 10 });
    expect((await get('/things', `bearer ${token}`)).status).toBe(200);
  });

  async function otherKey(header: Record<string, unknown>): Promise<string> {
    const { privateKey } = await generateKeyPair('EdDSA');
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...header })
      .sign(privateKey);
  }

  async function hmacWithPublicKey(): Promise<string> {
    const pem = await exportSPKI((await importJWK(publicJwk, 'EdDSA')) as Parameters<typeof exportSPKI>[0]);
    const signed = unsigned({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' }, claims);
    return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
  }

  async function tampered(): Promise<string> {
    const [header, , signature] = (await signToken()).split('.');
    return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  }

  it.each<[string, () => Promise<string>]>([
    ['alg none', async () => `${unsigned({ alg: 'none', typ: 'at+jwt' }, claims)}.`],
    ['HS256 with the public key as secret', hmacWithPublicKey],
    ['another issuer', () => signToken({ iss: 'https://evil.test' })],
    ['no issuer', () => signToken({ iss: undefined })],
    ['another audience', () => signToken({ aud: 'shop' })],
    ['no audience', () => signToken({ aud: undefined })],
    ['another type', () => signToken({}, { typ: 'JWT' })],
    ['no type', () => signToken({}, { typ: undefined })],
    ['expired', () => signToken({ exp: now() - 60 })],
    ['not valid yet', () => signToken({ nbf: now() + 60 })],
    ['no expiry', () => signToken({ exp: undefined })],
    ['no subject', () => signToken({ sub: undefined })],
    ['an empty subject', () => signToken({ sub: '' })],
    ['a subject that is no text', () => signToken({ sub: 7 as unknown as string })],
    ['an expiry that is no number', () => signToken({ exp: 'never' as unknown as number })],
    ['an unknown key id', () => signToken({}, { kid: 'k2' })],
    ['another key under our id', () => otherKey({ kid: 'k1' })],
    ['another key brought along in the header', () => otherKey({ jwk: publicJwk, kid: 'k9' })],
    ['changed claims', tampered],
    ['a cut signature', async () => (await signToken()).slice(0, -4)],
    ['no JWT', async () => 'abc'],
    ['a critical header nobody knows', () => signToken({}, { crit: ['x'], x: 1 })],
  ])('with %s gets 401', async (_, make) => {
    const token = await make().catch((error: Error) => `x.${error.name}.y`);
    const answer = await get('/things', `Bearer ${token}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="slipstream", error="invalid_token"');
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'unauthenticated', status: 401 });
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b', 'Bearer é'])(
    'that is not there (%s) gets 401 without an error attribute',
    async (authorization) => {
      const answer = await get('/things', authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="slipstream"');
    },
  );
});

describe('a route', () => {
  it('needs every one of its scopes, and names them', async () => {
    const answer = await get('/things/write', `Bearer ${await signToken()}`);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="slipstream", error="insufficient_scope", scope="slips:read slips:write"',
    );
    expect(await answer.json()).toMatchObject({
      code: 'forbidden',
      detail: 'The token lacks the scope slips:write.',
    });
  });

  it('takes no scope from a claim of another shape', async () => {
    const token = await signToken({ scope: ['slips:read'] as unknown as string });
    expect((await get('/things', `Bearer ${token}`)).status).toBe(403);
  });

  it('that declares nothing is closed to everybody', async () => {
    expect((await get('/things/forgotten')).status).toBe(401);
    expect((await get('/things/forgotten', `Bearer ${await signToken()}`)).status).toBe(403);
  });

  it.each(['/things/open', '/livez', '/readyz', '/metrics', '/openapi.json'])(
    '%s is public',
    async (path) => {
      expect((await get(path)).status).toBe(200);
    },
  );
});
