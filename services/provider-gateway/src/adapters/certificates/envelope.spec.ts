import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseSigningKeys, type SigningKeys } from '@slipstream/identity';
import { addMs } from '@slipstream/kernel';
import { dispatch, t0 } from '../../domain/dispatch/spec-support.ts';
import { type Certificate, certificateOf } from '../../domain/proof/certificate.ts';
import type { AttemptDenials } from '../../domain/proof/denials.ts';
import { certificateSigner, certificateTypeWithCancellation } from './envelope.ts';

const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = fileURLToPath(new URL('../../../../../tools/verify-certificate.mjs', import.meta.url));

function newKeys(): { readonly keys: SigningKeys; readonly pem: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const parsed = parseSigningKeys(JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }));
  if (!parsed.ok) throw new Error(parsed.error);
  const pem = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString();
  return { keys: parsed.value, pem };
}

const { keys, pem } = newKeys();
const sign = certificateSigner(keys);
const keyFile = join(folder, 'public.pem');
writeFileSync(keyFile, pem);

function check(envelope: string, key = keyFile) {
  const file = join(folder, 'certificate.json');
  writeFileSync(file, envelope);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, file, '--key', key], {
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

const denial = (afterMs: number) => ({
  ...{ askedAt: addMs(t0, afterMs), receivedAt: addMs(t0, afterMs + 20) },
  ...{ status: 404, body: Buffer.from('{"status":"not_found"}\n') },
});
const denied = (more: Partial<AttemptDenials> = {}): AttemptDenials => ({
  ...{ attempt: 1, provider: 'acme', digest: 'ab'.repeat(32), notAfter: t0 },
  declared: { acceptanceDelayMaxMs: 1_000, visibilityDelayMs: 0, quietPeriodMs: 2_000 },
  denials: [denial(1_001), denial(3_001)],
  ...more,
});
const confirmation = (afterMs: number) => ({
  ...denial(afterMs),
  ...{ status: 200, body: Buffer.from('{"status":"cancelled"}') },
});
const cancelled = (more: Partial<AttemptDenials> = {}): Partial<AttemptDenials> => ({
  declared: { acceptanceDelayMaxMs: null, visibilityDelayMs: 0, quietPeriodMs: 2_000 },
  ...{ denials: [denial(5), confirmation(5)], cancelled: true, ...more },
});
const unanswered = dispatch({
  status: 'unanswered',
  attempt: 1,
  sentMaybe: true,
  nextAt: null,
  notAfter: t0,
});
const issuedAt = addMs(t0, 3_030);
const certificate = (more: Partial<AttemptDenials> = {}): Certificate =>
  certificateOf(unanswered, [denied(more)], issuedAt)!;

describe('a certificate of non-execution', () => {
  test('of two denials is checked by a program that shares nothing with this one', () => {
    const { status, said } = check(sign(certificate()));
    expect([status, said]).toEqual([0, expect.stringContaining('VALID: under the declared bounds')]);
    expect(said).toContain('{\\"status\\":\\"not_found\\"}\\n');
  });

  test('of a slip that nothing ever left of, and of one that went on, too', () => {
    expect(check(sign(certificateOf(dispatch(), [], issuedAt)!))).toMatchObject({ status: 0 });
    const earlier = { attempt: 1, provider: 'acme', notAfter: t0, end: 'unanswered' } as const;
    const moved = dispatch({
      ...{ provider: 'bolt', attempt: 2, notAfter: addMs(t0, 10), nextAt: null },
      earlier: [{ ...earlier, firstNotFoundAt: addMs(t0, 1_001) }],
    });
    const { status, said } = check(sign(certificateOf(moved, [denied()], issuedAt)!));
    expect([status, said]).toEqual([0, expect.stringContaining('nothing of it left for bolt')]);
  });

  test('of a confirmed cancellation is of a form of its own, and is checked, too', () => {
    const { status, said } = check(sign(certificate(cancelled())));
    expect([status, said]).toEqual([0, expect.stringContaining('confirmed that it never executes it')]);
    expect(said).toContain('{\\"status\\":\\"cancelled\\"}');
    const envelope = JSON.parse(sign(certificate(cancelled()))) as Envelope;
    expect(envelope.payloadType).toBe(certificateTypeWithCancellation);
    for (const one of [...variants(envelope), ...statementVariants(envelope)])
      expect([one, check(JSON.stringify(one)).status]).toEqual([one, 1]);
  });

  test.each<[string, Partial<AttemptDenials>]>([
    ['of what could still be sent', cancelled({ notAfter: addMs(t0, 5) })],
    ['before it was asked about', cancelled({ denials: [denial(6), confirmation(5)] })],
    ['after the certificate', cancelled({ denials: [denial(5), confirmation(9_000)] })],
    ['that nobody confirmed', cancelled({ denials: [denial(5)] })],
  ])('that rests on a cancellation %s is refused', (_, more) => {
    const unproved: Certificate = { ...certificate(), denied: [denied(more)] };
    expect(check(sign(unproved))).toMatchObject({ status: 1, said: expect.stringMatching(/^NOT VALID: /) });
  });

  test('names its key, and fits no other', () => {
    const other = join(folder, 'other.pem');
    writeFileSync(other, newKeys().pem);
    expect(check(sign(certificate()), other)).toMatchObject({
      status: 1,
      said: expect.stringContaining(keys.keyId),
    });
    const set = join(folder, 'keys.json');
    writeFileSync(set, JSON.stringify({ keys: [...newKeys().keys.publicKeys, ...keys.publicKeys] }));
    expect(check(sign(certificate()), set)).toMatchObject({ status: 0 });
  });

  test('is not valid once any member of it is another', () => {
    const envelope = JSON.parse(sign(certificate())) as Envelope;
    const changed = [...variants(envelope), ...statementVariants(envelope)];
    expect(changed.length).toBeGreaterThan(25);
    for (const one of changed) {
      expect([one, check(JSON.stringify(one)).status]).toEqual([one, 1]);
    }
  });

  test.each([
    ['one answer', { denials: [denial(1_001)] as const }],
    ['a question at the bound itself', { denials: [denial(1_000), denial(3_001)] as const }],
    ['questions too near each other', { denials: [denial(1_001), denial(3_000)] as const }],
    ['a longer visibility delay', { declared: { ...denied().declared, visibilityDelayMs: 1_002 } }],
    [
      'a question from before it, and its answer from after it',
      { denials: [denial(1_001), { ...denial(3_001), receivedAt: addMs(t0, 9_000) }] as const },
    ],
    ['an answer from after it', { denials: [denial(1_001), denial(9_000)] as const }],
  ])('that rests on %s is refused, however well it is signed', (_, more) => {
    const unproved: Certificate = { ...certificate(), denied: [denied(more)] };
    expect(check(sign(unproved))).toMatchObject({ status: 1, said: expect.stringMatching(/^NOT VALID: /) });
  });

  test.each([
    ['nothing', ''],
    ['no JSON', 'no'],
    ['another document', '{"payloadType":"text/plain","payload":"","signatures":[]}'],
  ])('%s is no certificate', (_, content) => {
    expect(check(content)).toMatchObject({ status: 1, said: expect.stringMatching(/^NOT VALID: /) });
  });
});

test('there is none where an attempt may have left and was not denied twice', () => {
  expect(certificateOf(unanswered, [], issuedAt)).toBeNull();
  expect(certificateOf(unanswered, [denied({ denials: [denial(1_001)] })], issuedAt)).toBeNull();
  expect(certificateOf(unanswered, [denied({ attempt: 2 })], issuedAt)).toBeNull();
});

interface Envelope {
  payloadType: string;
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

/** The envelope with one character of each text changed, and with one member more. */
function variants(envelope: Envelope): object[] {
  const [signature] = envelope.signatures;
  const { keyid, sig } = signature!;
  return [
    { ...envelope, payloadType: flipped(envelope.payloadType) },
    { ...envelope, payload: flipped(envelope.payload) },
    { ...envelope, signatures: [{ keyid: flipped(keyid), sig }] },
    { ...envelope, signatures: [{ keyid, sig: flipped(sig) }] },
    { ...envelope, signatures: [] },
    { ...envelope, note: 'x' },
  ];
}

/** The envelope with each value of its statement changed, signed as it was. */
function statementVariants(envelope: Envelope): object[] {
  const text = Buffer.from(envelope.payload, 'base64').toString();
  const values = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|\d+|null)/g)];
  return values.map(({ 1: value, index }) => {
    const other = value!.startsWith('"') ? `"${flipped(value!.slice(1, -1) || 'x')}"` : '7';
    const changed = `${text.slice(0, index + 1)}${other}${text.slice(index + 1 + value!.length)}`;
    return { ...envelope, payload: Buffer.from(changed).toString('base64') };
  });
}

function flipped(text: string): string {
  const at = Math.floor(text.length / 2);
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}
