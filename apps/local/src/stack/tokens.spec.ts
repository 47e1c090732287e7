import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { roles, scopesOf } from '@slipstream/identity';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { AUDIENCE, ISSUER, openIdentity, tokenVariables } from './tokens.ts';

describe('the local identity', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipstream-keys-'));
  const keyFile = join(folder, 'keys/signing-key.json');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('signs tokens that its public keys verify, with role and scopes', async () => {
    const identity = await openIdentity(keyFile);
    const { payload, protectedHeader } = await jwtVerify(
      await identity.token('publisher'),
      createLocalJWKSet(JSON.parse(identity.jwks)),
      { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: ['EdDSA'] },
    );
    expect(payload).toMatchObject({
      sub: 'local-publisher',
      role: 'publisher',
      scope: 'slips:write slips:read metadata:read',
    });
    expect(payload.exp! - payload.iat!).toBe(24 * 3_600);
    expect(protectedHeader.kid).toBeDefined();
  });

  test('keeps its key between starts, to itself', async () => {
    const first = await openIdentity(keyFile);
    const second = await openIdentity(keyFile);
    expect(second.jwks).toBe(first.jwks);
    expect(JSON.parse(first.jwks).keys[0]).not.toHaveProperty('d');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  });

  test('an admin may do all that anybody may', async () => {
    const identity = await openIdentity(keyFile);
    const variables = await tokenVariables(identity);
    expect(Object.keys(variables).sort()).toEqual([
      'TOKEN_ADMIN',
      'TOKEN_APPROVER',
      'TOKEN_OPS',
      'TOKEN_PUBLISHER',
      'TOKEN_SRE',
    ]);
    const claims = JSON.parse(Buffer.from(variables.TOKEN_ADMIN!.split('.')[1]!, 'base64url').toString());
    expect(claims.scope.split(' ').sort()).toEqual([...new Set(roles.flatMap(scopesOf))].sort());
  });
});
