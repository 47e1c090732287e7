import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';
import { sightText } from './status/sight.ts';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';
const slip = {
  ...{ id, reference: 'ord-1', kind: 'order', account: 'cust-42', counterparty: 'shop-7', provider: 'acme' },
  ...{ amount: { amount: '1250', currency: 'EUR' }, clock: 'wall', status: 'settled', outcome: 'succeeded' },
  ...{ case: null, cause: null, submitted_at: '2026-11-22T10:00:00.000000Z', overdue: false },
  ...{ returned_at: '2026-11-22T10:00:01.200000Z', deadline: '2026-11-22T10:00:05.000000Z' },
};
const event = {
  ...{ id: 'e-1', type: 'slipstream.slip.returned.v1', source: '/slipstream/provider-gateway', sequence: 7 },
  ...{ version: 4, time: '2026-11-22T10:00:01.250000Z', received_time: '2026-11-22T10:00:01.200000Z' },
  data: { provider: 'acme', outcome: 'succeeded', reason: null, amount: null, evidence: 'signed_callback' },
};
const letter = {
  ...{ id: '17', topic: 'slips.events.v1', partition: 3, offset: 9, slip: id, key: id, attempts: 3 },
  ...{ reason: 'failed', detail: 'Division by zero.', status: 'parked' },
  failed_at: '2026-11-22T10:00:02.000000Z',
};
const clocks = [
  {
    ...{ clock: 'wall', judged_through: '2026-11-22T10:00:09.000000Z', closed: false, concluded: false },
    counts: { slips: 3, open: 1, overdue: 1, not_returned: 0 },
  },
];
const detector = {
  ...{ blind: true, why: 'it sees no further than 11000 ms ago', lag_ms: 11_000 },
  ...{ since: '2026-11-22T10:00:09.000000Z', by: 'ledger' },
};

let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'cli-spec-'));

beforeAll(async () => {
  service = await serve(({ pathname, searchParams }) => {
    if (pathname === '/v1/watermarks') return { body: { clocks, detector } };
    if (pathname === '/v1/dead-letters') return { body: { data: [letter], next: null } };
    if (pathname === `/v1/slips/${id}`) return { body: slip };
    if (pathname === `/v1/slips/${id}/events`) return { body: { data: [event], next: null } };
    if (pathname === '/v1/slips') {
      const reference = searchParams.get('reference');
      const found = { 'ord-1': [slip], twice: [slip, { ...slip, id: 'other' }] }[reference ?? ''] ?? [];
      if (reference === 'silent') return undefined;
      if (reference === 'broken') return { status: 500, body: { detail: 'it broke' } };
      return { body: { data: found, next: null } };
    }
    return { status: 404, body: { detail: 'not here' } };
  });
  env = { LEDGER_URL: service.url, RECONCILIATION_URL: service.url, TOKEN_SRE: 'good' };
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('slipctl', () => {
  it.each([[[]], [['import']], [['timeline']], [['watermarks']], [['replay']]])(
    '%p --help says what it does',
    async (command) => {
      const { code, stdout } = await slipctl([...command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Usage: slipctl/);
      expect(stdout).toContain('Exit codes: 0');
    },
  );

  it.each([
    ['no command', []],
    ['an unknown command', ['fly']],
    ['an unknown option', ['watermarks', '--fast']],
    ['no mapping', ['import', 'x.csv', '--until', '2019-01-01T00:00:00Z']],
    ['a time without its zone', ['import', 'x.csv', '--mapping', 'm', '--until', '2019-01-01']],
    [
      'the wall clock',
      ['import', 'x.csv', '--mapping', 'm', '--until', '2019-01-01T00:00:00Z', '--clock', 'wall'],
    ],
    [
      'verdicts without waiting',
      ['import', 'x.csv', '--mapping', 'm', '--until', '2019-01-01T00:00:00Z', '--verdicts', 'o'],
    ],
    ['a duration that is none', ['watermarks', '--timeout', 'long']],
    ["a replay into one of the services' own topics", ['replay', '--topic', 'slips.commands.v1', '--yes']],
    ['a replay to two places', ['replay', '--topic', 'mine', '--out', 'x.ndjson']],
    ['a replay that goes on nowhere', ['replay', '--resume']],
    ['a replay that never began', ['replay', '--out', 'none.ndjson', '--resume']],
    ['a replay of a type that nobody has', ['replay', '--type', 'slipstream.slip.return.v1']],
    ['a backtest without rules', ['backtest']],
    ['a checkpoint that is none', ['verify', '--checkpoint', import.meta.filename]],
    ['a speed that is none', ['replay', '--speed', 'fast']],
  ])('ends with 2 for %s', async (_, args) => {
    const { code, stdout, stderr } = await slipctl(args, env);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it.each([
    ['an unknown command', ['fly', '--json'], "unknown command 'fly'"],
    ['an unknown option', ['watermarks', '--fast', '--json'], "unknown option '--fast'"],
    ['a missing argument of a command below another', ['dlq', 'show', '--json'], 'missing required argument'],
    ['a duration that is none', ['watermarks', '--timeout', 'long', '--json'], 'a duration is needed'],
  ])('tells of %s in one line of JSON with --json', async (_, args, text) => {
    const { code, stdout, stderr } = await slipctl(args, env);
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringContaining(text), exit_code: 2 });
    expect(stderr).not.toContain('error: ');
  });

  it.each(['replay', 'backtest --config x', 'reconcile diff', 'reconcile diagnoses'])(
    'ends %s with 2 for times that are the wrong way round: it would find nothing, and say so',
    async (line) => {
      const span = ['--from', '2026-11-26T00:00:00Z', '--to', '2026-11-25T00:00:00Z'];
      const { code, stderr } = await slipctl([...line.split(' '), ...span], {
        ...env,
        KAFKA_BROKERS: '127.0.0.1:9',
      });
      expect([code, stderr]).toEqual([2, expect.stringContaining('--to is before --from')]);
    },
  );

  it('ends with 3 when what is to be replayed cannot be reached', async () => {
    const { code, stdout, stderr } = await slipctl(['replay'], { KAFKA_BROKERS: '127.0.0.1:9' });
    expect([code, stdout, stderr]).toEqual([
      3,
      '',
      expect.stringContaining('Kafka cannot be reached at 127.0.0.1:9'),
    ]);
  });

  it('shows rules in force and what differs between two, and ends with 1 when something does', async () => {
    const root = join(import.meta.dirname, '../../..');
    const file = join(root, 'deploy/local/slipstream.config.yaml');
    const shown = JSON.parse((await slipctl(['config', 'show', file, '--json'])).stdout);
    const changed = join(folder, 'changed.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(changed, text.replace(/outcome_deadline_ms: \d+/, 'outcome_deadline_ms: 77000'));
    const { code, stdout } = await slipctl(['config', 'diff', file, changed]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^routes\.\w+\.outcome_deadline_ms: \d+ → 77000\n$/),
    ]);
    expect(Object.keys(shown.routes).length).toBeGreaterThan(0);
    const same = await slipctl(['config', 'diff', file, file]);
    expect([same.code, same.stdout]).toEqual([0, 'the rules are the same\n']);
  });

  it('ends with 2 when rules to be tried are not usable, and says where', async () => {
    const file = join(folder, 'rules.yaml');
    writeFileSync(file, 'routes: {}\n');
    const args = ['backtest', '--config', file, '--was', file];
    const { code, stderr } = await slipctl(args, { KAFKA_BROKERS: '127.0.0.1:9' });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/rules\.yaml:1:1: /)]);
  });

  it('ends with 2 when a setting is missing, and names it', async () => {
    const { code, stderr } = await slipctl(['watermarks'], { TOKEN_SRE: 'good' });
    expect([code, stderr]).toEqual([2, expect.stringContaining('RECONCILIATION_URL')]);
  });
});

describe('slipctl timeline', () => {
  it.each([['ord-1'], [id]])('tells the life of the slip %s', async (name) => {
    const { code, stdout } = await slipctl(['timeline', name], env);
    expect(code).toBe(0);
    expect(stdout).toContain(`slip       ${id} (ord-1)`);
    expect(stdout).toContain('order of 12.50 EUR, cust-42 to shop-7');
    expect(stdout).toContain('#4  2026-11-22T10:00:01.25Z  /slipstream/provider-gateway');
    expect(stdout).toContain('A record of this slip was set aside (parked): failed. Division by zero.');
    expect(stdout).toContain('slips.events.v1:3:9; slipctl dlq show 17 --service ledger');
    expect(stdout).toContain('The outcome returned: acme says succeeded.');
    expect(stdout).toContain('received 2026-11-22T10:00:01.2Z');
    expect(stdout).toContain('evidence: signed callback');
  });

  it('prints the data of the API with --json', async () => {
    const { stdout } = await slipctl(['timeline', 'ord-1', '--json'], env);
    expect(JSON.parse(stdout)).toMatchObject({ slip, events: [event] });
  });

  it.each([
    ['nobody', {}, 1, 'there is no slip'],
    ['twice', {}, 2, '2 slips have the reference'],
    ['ord-1', { TOKEN_SRE: 'bad' }, 2, 'does not accept the bearer token'],
    ['broken', {}, 3, 'it broke'],
    ['ord-1', { LEDGER_URL: 'http://127.0.0.1:9' }, 3, 'cannot be reached'],
    ['silent', {}, 4, 'gave no answer within 300 ms'],
  ])('%s with %p ends with %i', async (name, over, code, text) => {
    // Only the one that never answers is waited for so short: the others may take what the machine takes.
    const timeout = name === 'silent' ? '300ms' : '60s';
    const ended = await slipctl(['timeline', name, '--timeout', timeout], { ...env, ...over });
    expect(ended.stderr).toContain(text);
    expect(ended.code).toBe(code);
  });
});

describe('slipctl watermarks', () => {
  it('shows how far each clock is judged', async () => {
    const { code, stdout } = await slipctl(['watermarks'], env);
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(/^wall +2026-11-22T10:00:09Z +running +3 +1 +1 +0$/);
    expect(JSON.parse((await slipctl(['watermarks', '--json'], env)).stdout)).toEqual({ clocks, detector });
  });

  it('says since when and because of whom nothing is judged', async () => {
    expect((await slipctl(['watermarks'], env)).stdout).toContain(
      'detector: blind since 2026-11-22T10:00:09Z because of ledger: it sees no further than 11000 ms ago',
    );
    expect(sightText({ blind: false, why: null })).toBe('sees');
  });
});

describe('slipctl import', () => {
  const mapping = `layout: wide
reference: ref
account: customer
counterparty: { value: shop }
submitted: sent
returned: [{ column: done, outcome: succeeded }]
deadline: { after: 1d }
`;
  const importing = (csv: string, yaml: string, ...more: string[]) => {
    writeFileSync(join(folder, 'in.csv'), csv);
    writeFileSync(join(folder, 'm.yaml'), yaml);
    const files = [join(folder, 'in.csv'), '--mapping', join(folder, 'm.yaml')];
    return slipctl(['import', ...files, '--until', '2019-01-01T00:00:00Z', ...more], {
      ...env,
      KAFKA_BROKERS: '127.0.0.1:9',
    });
  };
  const rows = 'ref,customer,sent,done\na,c,2018-01-01 00:00:00,\nb,c,soon,\n';

  it('ends with 2 and the place of a mistake in the mapping', async () => {
    const { code, stderr } = await importing(rows, mapping.replace('sent', 'send'));
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/m\.yaml:5:12: column send is not in the header/),
    ]);
  });

  it('ends with 1 at a bad row with --strict, before anything is sent', async () => {
    const { code, stderr } = await importing(rows, mapping, '--strict');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/in\.csv:3: sent: "soon" is no time/)]);
  });

  it('ends with 3 when Kafka cannot be reached', async () => {
    const { code, stderr } = await importing(rows, mapping);
    expect(stderr).toMatch(/in\.csv:3: .*the row is skipped/);
    expect([code, stderr]).toEqual([3, expect.stringContaining('Kafka cannot be reached at 127.0.0.1:9')]);
  });
});
