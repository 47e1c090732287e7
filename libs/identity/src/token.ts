import { err, ok, type Result, SlipstreamError } from '@slipstream/kernel';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';

/** Who sent a request, as the token's issuer says. */
export interface CallerIdentity {
  readonly subject: string;
  /** The `role` claim, for display and audit; only scopes open routes. */
  readonly role: string | null;
  /** The `scope` claim (RFC 9068): space-separated there. */
  readonly scopes: readonly string[];
}

export type VerifyToken = (token: string) => Promise<CallerIdentity>;

export interface TokenRules {
  readonly jwks: JSONWebKeySet;
  readonly issuer: string;
  readonly audience: string;
}

const algorithms = ['EdDSA', 'Ed25519', 'ES256'];
const clockToleranceS = 30;
/** Tokens whose check is remembered: more callers than that are checked each time. */
const rememberedMax = 500;

interface Checked {
  readonly caller: CallerIdentity;
  /** A clock that stands before it says nothing about a token's beginning. */
  readonly checkedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Makes the check of RFC 9068 access tokens. The algorithms are pinned, so that neither `none` nor an HMAC with the
 * public key as its secret can pass.
 * A caller sends the same token with each of its requests, and a signature costs more than all the rest of the check: a
 * token that was good is remembered until it expires. What is not good is never remembered.
 * The check throws {@link SlipstreamError} unauthenticated; its detail says what is wrong with the token.
 */
export function createTokenVerifier(
  { jwks, issuer, audience }: TokenRules,
  nowMs: () => number = Date.now,
): VerifyToken {
  const keys = createLocalJWKSet(jwks);
  const options = {
    algorithms,
    issuer,
    audience,
    typ: 'at+jwt',
    requiredClaims: ['sub', 'exp'],
    clockTolerance: clockToleranceS,
  };
  const checked = new Map<string, Checked>();
  return async (token) => {
    const now = nowMs();
    const known = checked.get(token);
    if (known && known.checkedAtMs <= now && now < known.expiresAtMs) return known.caller;
    checked.delete(token);
    try {
      const { payload } = await jwtVerify(token, keys, { ...options, currentDate: new Date(now) });
      const caller = toCaller(payload);
      remember(checked, token, {
        caller,
        checkedAtMs: now,
        expiresAtMs: (payload.exp! + clockToleranceS) * 1_000,
      });
      return caller;
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause;
      throw new SlipstreamError('unauthenticated', explain(cause), { cause });
    }
  };
}

/** The oldest makes room. */
function remember(checked: Map<string, Checked>, token: string, good: Checked): void {
  checked.set(token, good);
  if (checked.size <= rememberedMax) return;
  const [oldest] = checked.keys();
  if (oldest !== undefined) checked.delete(oldest);
}

function toCaller({ sub, role, scope }: JWTPayload): CallerIdentity {
  if (typeof sub !== 'string' || sub === '') {
    throw new SlipstreamError('unauthenticated', 'The token names no subject.');
  }
  return Object.freeze({
    subject: sub,
    role: typeof role === 'string' ? role : null,
    scopes: Object.freeze(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []),
  });
}

function explain(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed) return `The token's ${error.claim} is not accepted.`;
  return 'The token could not be verified.';
}

/** Reads a JWK set (RFC 7517) of public Ed25519 and P-256 keys, each with a `kid`. */
export function parseKeySet(raw: string): Result<JSONWebKeySet, string> {
  let set: unknown;
  try {
    set = JSON.parse(raw);
  } catch {
    return err('must be JSON');
  }
  const keys = (set as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) return err('must be an object with a non-empty list "keys"');
  const wrong = keys.findIndex((key) => !isPublicKey(key));
  if (wrong !== -1) return err(`key ${wrong + 1} must be a public Ed25519 or P-256 key with a "kid"`);
  const kids = new Set(keys.map((key: { kid: string }) => key.kid));
  return kids.size === keys.length ? ok({ keys }) : err('two keys have the same "kid"');
}

function isPublicKey(key: unknown): boolean {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, crv, kid, d } = key as Record<string, unknown>;
  const known = (kty === 'OKP' && crv === 'Ed25519') || (kty === 'EC' && crv === 'P-256');
  return known && typeof kid === 'string' && kid !== '' && d === undefined;
}
