export { type Role, roles, scopesOf } from './roles.ts';
export { type CallerIdentity, createTokenVerifier, parseKeySet, type VerifyToken } from './token.ts';
