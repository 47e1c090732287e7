import { connect } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { HostSettings } from './common-settings.ts';

export const issuer = 'https://issuer.test';
export const audience = 'slipstream';

const keys = await generateKeyPair('EdDSA', { extractable: true });
export const signingKey = keys.privateKey;
export const publicJwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' };

/** Settings of a quiet service on any free loopback port that trusts {@link signToken}. */
export const settings: HostSettings = {
  port: 0,
  host: '127.0.0.1',
  jwks: { keys: [publicJwk] },
  jwtIssuer: issuer,
  jwtAudience: audience,
  logLevel: 'fatal',
  drainTimeoutMs: 5000,
  instanceId: 'spec',
};

/** A good access token unless `claims` (undefined removes one) or `header` say otherwise. */
export async function signToken(
  claims: JWTPayload = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuer,
    aud: audience,
    sub: 'alice',
    exp: now + 300,
    scope: 'slips:read',
    ...claims,
  };
  const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  const protectedHeader = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', ...header };
  return new SignJWT(kept).setProtectedHeader(protectedHeader).sign(signingKey);
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * Writes bytes to a socket and reads until the server closes it, which it must do within ten seconds.
 * `dripMs`: goes on writing a space that often.
 */
export function exchange(
  url: string,
  chunks: readonly (string | Buffer)[],
  { dripMs = 0 } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const drip = dripMs > 0 ? setInterval(() => socket.write(' '), dripMs) : undefined;
    const timer = setTimeout(() => {
      clearInterval(drip);
      socket.destroy();
      reject(new Error(`no end of the answer within 10 s: ${received}`));
    }, 10_000);
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    // A server that refuses a request may reset the connection; what it answered before counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      clearTimeout(timer);
      const [head = '', ...rest] = received.split('\r\n\r\n');
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
        head,
        body: rest.join('\r\n\r\n'),
      });
    });
    for (const chunk of chunks) socket.write(chunk);
  });
}
