import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { parseSigningKeys } from './signing-keys.ts';

const jwk = (type: 'ed25519' | 'x25519' = 'ed25519') =>
  generateKeyPairSync(type as 'ed25519').privateKey.export({ format: 'jwk' });
const open = (...keys: object[]) => {
  const parsed = parseSigningKeys(JSON.stringify({ keys }));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

test('the first key signs, and each is named by its thumbprint', async () => {
  const [current, before] = [jwk(), jwk()];
  const { d: _, ...publicHalf } = before;
  const keys = open(current, publicHalf);
  const bytes = Buffer.from('a certificate');
  const [first, second] = keys.publicKeys;
  expect(verify(null, bytes, createPublicKey({ key: first as never, format: 'jwk' }), keys.sign(bytes))).toBe(
    true,
  );
  expect(keys.keyId).toBe(first!.kid);
  expect([first!.kid, second!.kid]).toEqual([
    await calculateJwkThumbprint(current as never),
    await calculateJwkThumbprint(before as never),
  ]);
  expect(JSON.stringify(keys.publicKeys)).not.toContain(String(current.d));
});

test.each([
  ['no JSON', 'no'],
  ['no set', '{}'],
  ['an empty set', '{"keys":[]}'],
  ['no private half', JSON.stringify({ keys: [{ ...jwk(), d: undefined }] })],
  ['a key of another kind', JSON.stringify({ keys: [jwk('x25519')] })],
])('%s is refused without a word of it', (_, raw) => {
  expect(parseSigningKeys(raw)).toEqual({
    ok: false,
    error: 'must be a JSON Web Key Set of Ed25519 keys, the first with its private half',
  });
});
