import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '@slipstream/provider-simulator';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'provider-report-'));
const secret = `whsec_${Buffer.alloc(32, 'sandbox').toString('base64')}`;
const pair = generateKeyPairSync('ed25519');
const privateJwk = pair.privateKey.export({ format: 'jwk' });
const keyFile = join(folder, 'key.json');

let simulator: Simulator;
beforeAll(async () => {
  writeFileSync(keyFile, JSON.stringify(pair.publicKey.export({ format: 'jwk' })));
  const acme = { id: 'acme', secret, mode: 'polled', latency_ms: [0, 5], answer_ms: [5, 40] } as const;
  simulator = await startSimulator({ providers: [acme] });
});
afterAll(async () => {
  await simulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const good = {
  PROVIDER_SECRET: secret,
  SLIPSTREAM_CERTIFICATE_KEYS: JSON.stringify({ keys: [privateJwk] }),
};

function run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], {
      env: { PATH: process.env.PATH, ...env },
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (said.stdout += text));
    child.stderr.on('data', (text) => (said.stderr += text));
    child.once('error', reject).once('close', (code) => resolve({ code, ...said }));
  });
}

const certify = (args: readonly string[], env: Readonly<Record<string, string>> = good) =>
  run('apps/slipctl/bin/slipctl.mjs', ['provider', 'certify', ...args], env);
const verify = (file: string) => run('tools/verify-certificate.mjs', [file, '--key', keyFile]);

test('a sandbox is asked, and its report and tape are written and can be checked alone', async () => {
  const [report, tape] = [join(folder, 'report.json'), join(folder, 'tape.ndjson')];
  const files = ['--report', report, '--tape', tape];
  const [url, protocol] = [simulator.providers.acme!, ['--protocol', 'poll-statement']];
  const rules = join(folder, 'rules.yaml');
  writeFileSync(
    rules,
    `version: 1
providers: { acme: { base_url: "\${ACME}/v2", secret: "\${SECRET}" } }
routes: { default: { mode: dispatched, provider: acme, outcome_deadline_ms: 30000 } }
`,
  );
  const elsewhere = 'http://sandbox.acme.example';
  const known = { ...good, SLIPSTREAM_CONFIG: rules, ACME: elsewhere };
  const previewed = await certify([elsewhere, ...protocol, ...files, '--json'], known);
  expect([previewed.code, previewed.stderr]).toEqual([0, 'nothing was sent: add --yes\n']);
  const preview = JSON.parse(previewed.stdout);
  expect(preview).toMatchObject({ url: elsewhere, protocol: 'poll-statement', provider: 'acme' });
  expect(existsSync(report)).toBe(false);

  const asked = await certify([url, ...protocol, ...files]);
  expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining('Nothing was broken.')]);
  expect(asked.stdout).toMatch(/kept +denies in words what it does not have +NOT_FOUND/);
  const taped = readFileSync(tape, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(taped.length).toBeGreaterThan(10);
  // It was sent what the preview said, and nothing else.
  const posted = taped.filter(({ method }) => method === 'POST');
  const amounts = posted.map(
    (one) => JSON.parse(Buffer.from(one.request_body, 'base64').toString()).amount_minor,
  );
  const said = preview.calls.flatMap((one: { amount: string; times: number }) =>
    Array.from({ length: one.times }, () => one.amount),
  );
  expect(amounts.toSorted()).toEqual(said.toSorted());

  const checked = await verify(report);
  expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/^VALID: signed as it stands/)]);
  const envelope = JSON.parse(readFileSync(report, 'utf8'));
  const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"kept"', '"lacks"');
  writeFileSync(report, JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }));
  const changed = await verify(report);
  expect([changed.code, changed.stderr]).toEqual([1, expect.stringMatching(/^NOT VALID: the signature/)]);
});

test('what is broken ends with 1, what cannot be asked with 3, what is used wrongly with 2', async () => {
  const url = simulator.providers.acme!;
  const otherProtocol = await certify([url, '--protocol', 'json-callback', '--timeout', '1s', '--json']);
  expect(otherProtocol.code).toBe(1);
  expect(JSON.parse(otherProtocol.stdout).checks[0]).toMatchObject({ verdict: 'broken' });
  const gone = await certify(['http://127.0.0.1:1']);
  expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('the sandbox cannot be reached')]);
  const { SLIPSTREAM_CERTIFICATE_KEYS: _, ...unsigned } = good;
  const wrong = await Promise.all([
    certify([url], {}),
    certify([url, '--report', 'x.json'], unsigned),
    certify([url, '--protocol', 'telex']),
    certify(['ftp://x']),
    certify([url, '--listen', 'here']),
    certify([url, '--listen', '127.0.0.1:0', '--protocol', 'poll-statement']),
  ]);
  expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(wrong.map(({ stderr }) => stderr).join()).not.toMatch(/\n {4}at /);
});
