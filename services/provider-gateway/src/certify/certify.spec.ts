import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { freePorts } from '@slipstream/environment';
import { parseSigningKeys } from '@slipstream/identity';
import { type RuleInput, type Simulator, startSimulator } from '@slipstream/provider-simulator';
import { checksCount } from './checks.ts';
import { type Certified, type CertifyOptions, runCertify } from './run.ts';

const secret = `whsec_${Buffer.alloc(32, 'sandbox').toString('base64')}`;
const { privateKey } = generateKeyPairSync('ed25519');
const parsed = parseSigningKeys(JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }));
if (!parsed.ok) throw new Error(parsed.error);
const keys = parsed.value;

let simulator: Simulator | undefined;
afterEach(async () => {
  await simulator?.stop();
  simulator = undefined;
});

interface Given {
  readonly provider?: object;
  readonly faults?: readonly RuleInput[];
  readonly options?: Partial<CertifyOptions>;
}

async function certified({ provider = {}, faults = [], options = {} }: Given): Promise<Certified> {
  const acme = {
    id: 'acme',
    secret,
    latency_ms: [0, 5],
    answer_ms: [5, 40],
    acceptance_delay_max_ms: 200,
    idempotent: true,
    callback_url: 'http://127.0.0.1:1/',
  };
  simulator = await startSimulator({ seed: 5, providers: [{ ...acme, ...provider } as never] });
  const set = await fetch(`${simulator.admin}/v1/rules`, {
    ...{ method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(faults) },
  });
  expect(set.ok).toBe(true);
  return runCertify({
    ...{ url: simulator.providers.acme!, protocol: 'json-callback', secret, acceptanceDelayMaxMs: 60_000 },
    ...{
      idempotentByReference: true,
      waitMsMax: 20_000,
      currency: 'EUR',
      listen: null,
      keys,
      onProgress: () => {},
      ...options,
    },
  });
}

const verdicts = ({ report: { checks } }: Certified) =>
  Object.fromEntries(checks.map(({ check, verdict }) => [check, verdict]));
const brokenOf = ({ report: { checks } }: Certified) =>
  checks.filter(({ verdict }) => verdict === 'broken').map(({ check }) => check);

const allKept = {
  'denies in words what it does not have': 'kept',
  'answers a call': 'kept',
  'knows of an order that it took': 'kept',
  'says in its declared words how an order ends': 'kept',
  'tells the amount that it moved': 'kept',
  'keeps amounts exact': 'kept',
  'takes the same call again for the same order': 'kept',
  'does not change an order that it took': 'kept',
  'decides about a call that is cut off as soon as it declares': 'kept',
  'signs its callbacks': 'kept',
};

describe('a sandbox that keeps the contract', () => {
  test('is told so, with what it was seen to do', async () => {
    const [port] = await freePorts(1);
    const done = await certified({
      provider: { callback_url: `http://127.0.0.1:${port}/` },
      options: { listen: { host: '127.0.0.1', port: port! } },
    });
    expect(done.report.checks.filter(({ verdict }) => verdict !== 'kept')).toEqual([]);
    expect(verdicts(done)).toEqual(allKept);
    expect(done.report.checks).toHaveLength(checksCount);
    expect(done.report.capabilities).toMatchObject({
      ...{ denies_in_words: true, idempotent_by_reference: true, exact_amounts: true },
      ...{ callbacks_signed: true, callbacks_repeated: false },
      visibility_delay_ms: expect.any(Number),
      outcome_delay_ms: expect.any(Number),
      callback_delay_ms: expect.any(Number),
    });
  });

  test('is not blamed for what strangers send to the listener', async () => {
    const [port] = await freePorts(1);
    const listener = `http://127.0.0.1:${port}/`;
    let strays = 0;
    const done = await certified({
      provider: { callback_url: listener },
      options: {
        listen: { host: '127.0.0.1', port: port! },
        onProgress: () => {
          for (const body of ['{}', 'GET /admin', '{"data":{"slip_id":"of-nobody"}}']) {
            strays += 1;
            void fetch(listener, { method: 'POST', body }).catch(() => {});
          }
        },
      },
    });
    expect(verdicts(done)).toEqual(allKept);
    expect(done.report.capabilities).toMatchObject({ callbacks_signed: true, callbacks_repeated: false });
    expect(strays).toBeGreaterThan(0);
    expect(done.report.checks.at(-1)!.detail).toMatch(/; \d+ requests about no order of this run came, too$/);
  });

  test('of the other protocol, too; what gave no occasion is not claimed', async () => {
    const done = await certified({
      provider: { mode: 'polled', callback_url: null },
      options: { protocol: 'poll-statement' },
    });
    expect(brokenOf(done)).toEqual([]);
    expect(verdicts(done)['signs its callbacks']).toBe('not_shown');
    expect(done.report.capabilities.callbacks_signed).toBeNull();
  });
});

describe('a sandbox that breaks it', () => {
  test('by another amount than was ordered', async () => {
    const done = await certified({ faults: [{ fault: 'amount_changed' }] });
    expect(brokenOf(done)).toContain('tells the amount that it moved');
    expect(brokenOf(done)).toContain('keeps amounts exact');
  });

  test('by answers that say nothing', async () => {
    const done = await certified({ faults: [{ fault: 'garbage_body' }] });
    expect(brokenOf(done)).toContain('answers a call');
  });

  test('by working twice on an order that it was sent twice', async () => {
    const broken = await certified({ provider: { idempotent: false } });
    expect(brokenOf(broken)).toEqual(['takes the same call again for the same order']);
    await simulator!.stop();
    const honest = await certified({
      provider: { idempotent: false },
      options: { idempotentByReference: false },
    });
    expect(verdicts(honest)['takes the same call again for the same order']).toBe('lacks');
    expect(honest.report.capabilities.idempotent_by_reference).toBe(false);
  });

  test('by callbacks that somebody else could have signed', async () => {
    const [port] = await freePorts(1);
    const done = await certified({
      provider: { callback_url: `http://127.0.0.1:${port}/` },
      faults: [{ fault: 'forged_callback' }],
      options: { listen: { host: '127.0.0.1', port: port! } },
    });
    expect(brokenOf(done)).toEqual(['signs its callbacks']);
    expect(done.report.checks.at(-1)!.detail).toMatch(/^signature_invalid: The signature does not match/);
  });
});

test('the report is signed, and names the tape that it rests on', async () => {
  const done = await certified({
    provider: { mode: 'polled', callback_url: null },
    options: { protocol: 'poll-statement' },
  });
  const { payloadType, payload, signatures } = JSON.parse(done.signed!);
  const bytes = Buffer.from(payload, 'base64');
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `),
    bytes,
  ]);
  const key = createPublicKey({ key: keys.publicKeys[0] as never, format: 'jwk' });
  expect(verify(null, signed, key, Buffer.from(signatures[0].sig, 'base64'))).toBe(true);
  expect(JSON.parse(bytes.toString())).toEqual({ key_id: keys.keyId, ...done.report });
  expect(done.report.tape_sha256).toBe(createHash('sha256').update(done.tape).digest('hex'));
  const lines = done.tape
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(done.report.exchanges);
  expect(lines.filter(({ status }) => status === null)).toHaveLength(3);
  expect(done.tape).not.toContain(secret);
});

test('a sandbox that is not there, or a protocol that nobody speaks, is told at once', async () => {
  const options = {
    ...{ protocol: 'json-callback', secret, acceptanceDelayMaxMs: null, waitMsMax: 1_000, currency: 'EUR' },
    idempotentByReference: false,
    ...{ listen: null, keys: null, onProgress: () => {} },
  };
  const gone = runCertify({ ...options, url: 'http://127.0.0.1:1' });
  await expect(gone).rejects.toThrow(/the sandbox cannot be reached: .*ECONNREFUSED/);
  await expect(runCertify({ ...options, url: 'http://127.0.0.1:1', protocol: 'telex' })).rejects.toThrow(
    'telex',
  );
});
