import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Role, roles, scopesOf } from '@slipstream/identity';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

export const ISSUER = 'slipstream-local';
export const AUDIENCE = 'slipstream';

/** The local identity provider: one Ed25519 key, made at the first start with this file. */
export interface Identity {
  /** The public key set, as JSON. */
  jwks: string;
  /** A token for the subject `local-<role>`, valid for 24 h. */
  token(role: Role): Promise<string>;
}

/**
 * The key set that a service signs with, as JSON: one private key, made at the first start with this file.
 * @param keyFile as of {@link openIdentity}
 */
export async function openSigningKeys(keyFile: string): Promise<string> {
  return JSON.stringify({ keys: [JSON.parse(await openKey(keyFile))] });
}

/** @param keyFile holds the private JWK; readable by its owner only */
export async function openIdentity(keyFile: string): Promise<Identity> {
  const jwk = JSON.parse(await openKey(keyFile)) as JWK;
  const key = await importJWK(jwk, 'EdDSA');
  const { d: _private, ...publicKey } = jwk;
  return {
    jwks: JSON.stringify({ keys: [publicKey] }),
    token: (role) =>
      new SignJWT({ role, scope: scopesOf(role).join(' ') })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(`local-${role}`)
        .setIssuedAt()
        .setExpirationTime('24h')
        .sign(key),
  };
}

/**
 * A private Ed25519 key as JWK, made at the first start with this file.
 * @param keyFile readable by its owner only
 */
export async function openKey(keyFile: string): Promise<string> {
  if (!existsSync(keyFile)) await makeKey(keyFile);
  return readFileSync(keyFile, 'utf8');
}

async function makeKey(keyFile: string): Promise<void> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, JSON.stringify({ ...jwk, kid, alg: 'EdDSA', use: 'sig' }), { mode: 0o600 });
}

/** `TOKEN_OPS` and so on. */
export async function tokenVariables(identity: Identity): Promise<Record<string, string>> {
  const entries = roles.map(
    async (role) => [`TOKEN_${role.toUpperCase()}`, await identity.token(role)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
