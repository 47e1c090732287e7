import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { slipctl } from './spec-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-spec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = `version: 1
providers:
  acme: { base_url: "\${SPEC_ACME_URL}", secret: "\${SPEC_ACME_SECRET}", answer_timeout_ms: 2000 }
routes:
  default: { mode: dispatched, provider: acme, outcome_deadline_ms: 5000 }
`;
let files = 0;
const check = (text: string, ...more: string[]) => {
  const file = join(folder, `rules-${files++}.yaml`);
  writeFileSync(file, text);
  return slipctl(['config', 'check', file, ...more]);
};
const problemsOf = async (text: string) => {
  const { code, stdout } = await check(text, '--json');
  const report = JSON.parse(stdout) as {
    ok: boolean;
    problems: { line: number; column: number; reason: string }[];
  };
  expect([code, report.ok]).toEqual([1, false]);
  return report.problems;
};

describe('slipctl config check', () => {
  it('finds a file good whose variables are not set here, and names them', async () => {
    const { code, stdout } = await check(good, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ ok: true, digest: expect.stringMatching(/^[\da-f]{64}$/), problems: [] },
      unset_variables: ['SPEC_ACME_SECRET', 'SPEC_ACME_URL'],
    });
  });

  it('takes no comment for a value, and what is behind two dollars for text', async () => {
    const dollar = '$';
    const commented = good.replace('routes:', `# secrets are ${dollar}{LIKE_THIS}\nroutes:`);
    const text = commented.replace(
      /secret: "[^"]*"/,
      () => `secret: "${dollar.repeat(2)}{plain}${dollar.repeat(2)}{PLAIN_TEXT}"`,
    );
    const { stdout } = await check(text, '--json');
    expect(JSON.parse(stdout).unset_variables).toEqual(['SPEC_ACME_URL']);
  });

  it.each<[string, string, string, string]>([
    ['an unknown key', 'version: 1', 'version: 1\nspeed: 9', '2:1: speed: unknown key'],
    [
      'a deadline shorter than a call may take',
      '5000',
      '2999',
      'outcome_deadline_ms: 2999 ms is less than the 3000 ms',
    ],
    ['a provider that is not there', 'provider: acme', 'provider: acne', 'no provider is named acne'],
    ['text that is no YAML', 'routes:', 'routes: [', ''],
  ])('tells %s with line and column, and exits 1', async (_, from, to, reason) => {
    const { code, stdout } = await check(good.replace(from, to));
    expect(code).toBe(1);
    expect(stdout).toMatch(/rules-\d+\.yaml:\d+:\d+: /);
    expect(stdout).toContain(reason);
  });

  it.each<[string, string, Readonly<Record<string, string>>, string]>([
    ['nobody speaks', 'protocol: telex', {}, 'protocol: nobody speaks telex; there are json-callback'],
    [
      'cannot cancel',
      'protocol: poll-statement, cancel_by_reference: true',
      {},
      'cancel_by_reference: a provider of poll-statement cannot cancel',
    ],
    [
      'gives no statements',
      'statement: { zone: UTC, available_at: "01:00" }',
      {},
      'statement: a provider of json-callback has none',
    ],
    [
      'cannot use its secret',
      'concurrency_max: 9',
      { SPEC_ACME_SECRET: 'a secret in plain words' },
      'secret: must be whsec_',
    ],
    [
      'cannot use its second secret',
      'secret_next: plain-words-of-24-bytes',
      {},
      'secret_next: must be whsec_',
    ],
  ])('tells what keeps the gateway from starting: a protocol that %s', async (_, more, env, reason) => {
    const file = join(folder, `rules-${files++}.yaml`);
    writeFileSync(file, good.replace('answer_timeout_ms: 2000', `answer_timeout_ms: 2000, ${more}`));
    const { code, stdout } = await slipctl(['config', 'check', file, '--json'], env);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { ok: false, digest: null, problems: [{ line: 3, column: expect.any(Number) }] },
    ]);
    expect(stdout).toContain(`providers.acme.${reason}`);
    expect(stdout).not.toContain('plain words');
    expect(JSON.parse(stdout).problems[0].column).toBeGreaterThan(reason.startsWith('secret:') ? 40 : 90);
  });

  it('tells what the gateway cannot use beside a secret that it cannot use either', async () => {
    const file = join(folder, `rules-${files++}.yaml`);
    const more = 'answer_timeout_ms: 2000, protocol: json-callback, statement: { zone: UTC }';
    writeFileSync(file, good.replace('answer_timeout_ms: 2000', more));
    const wrong = await slipctl(['config', 'check', file, '--json'], { SPEC_ACME_SECRET: 'x'.repeat(24) });
    const { problems } = JSON.parse(wrong.stdout) as { problems: { reason: string }[] };
    expect(problems.map(({ reason }) => reason.split(':')[0])).toEqual([
      'providers.acme.secret',
      'providers.acme.statement',
    ]);
  });

  it('tells every problem at once, in the order of the file', async () => {
    const problems = await problemsOf(good.replace('2000', '0').replace('5000', '5000, retry: 1'));
    expect(problems).toEqual([
      { line: 3, column: 91, reason: 'providers.acme.answer_timeout_ms: must be >= 1' },
      { line: 5, column: 75, reason: 'routes.default.retry: unknown key' },
    ]);
  });

  it('exits 2 for a file that cannot be read', async () => {
    const { code, stderr } = await slipctl(['config', 'check', join(folder, 'none.yaml')]);
    expect(code).toBe(2);
    expect(stderr).toContain('none.yaml cannot be read');
  });
});
