export { type Role, roles, type Scope, scopesOf } from './roles.ts';
export { type PublicKey, parseSigningKeys, privateKeyOf, type SigningKeys } from './signing-keys.ts';
export { type CallerIdentity, createTokenVerifier, parseKeySet, type VerifyToken } from './token.ts';
