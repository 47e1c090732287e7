import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { serve, slipctl } from './spec-support.ts';

const slip = {
  ...{ id: 's-1', reference: 'ord-1', status: 'not_returned', overdue: true, provider: 'acme' },
  ...{ amount: { amount: '1250', currency: 'EUR' }, submitted_at: '2026-11-22T10:00:00.000000Z' },
  ...{ deadline: '2026-11-22T10:00:05.000000Z', case: { status: 'open' } },
  cause: { class: 'third_party', code: 'provider_silent' },
};
const openCase = {
  ...{ slip_id: 's-1', status: 'open', reason: 'no_answer', summary: 'No answer came.', provider: 'acme' },
  ...{ opened_at: '2026-11-22T10:00:06.000000Z', closed_at: null, cause: null },
};
const event = {
  ...{ id: 'e-1', type: 'slipstream.slip.returned.v1', source: '/slipstream/provider-gateway', sequence: 7 },
  ...{ version: 1, time: '2026-11-22T10:00:01.250000Z', slip_id: 's-1' },
  data: { provider: 'acme', outcome: 'succeeded', reason: null, amount: null, evidence: 'signed_callback' },
};

const outage = {
  ...{ id: 'inc-1', provider: 'acme', since: '2026-11-22T09:59:00.000000Z' },
  counts: { slips: 7, open: 2 },
};

let wrong: boolean;
let streams: string[];
let asked: URL[];
let service: Awaited<ReturnType<typeof serve>>;
let env: Record<string, string>;

const streamed = (id: string) => `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

function answer(target: URL): object | string | undefined {
  const { pathname } = target;
  if (pathname === '/readyz')
    return { ready: !wrong, checks: [{ name: 'consumer', ok: !wrong, detail: 'stands' }] };
  if (pathname === '/v1/watermarks') {
    const detector = {
      blind: wrong,
      why: 'it sees nothing',
      since: '2026-11-22T10:00:00.000000Z',
      by: 'ledger',
    };
    return { detector, clocks: [{ clock: 'wall', counts: { open: 3 } }] };
  }
  if (pathname === '/v1/return-curves') {
    const falling_since = wrong ? '2026-11-22T09:00:00.000000Z' : null;
    return { data: [{ provider: 'acme', route: 'default', falling_since }] };
  }
  if (pathname === '/v1/providers')
    return { data: [{ id: 'acme', state: { disabled: wrong }, circuit: { state: 'closed' } }] };
  if (pathname === '/v1/providers/acme') return { id: 'acme' };
  if (pathname === '/v1/stopped-partitions') return { data: [] };
  if (pathname === '/v1/dead-letters/summary') {
    return { waiting: wrong ? [{ topic: 'slips.events.v1', reason: 'failed', letters: 2, slips: 1 }] : [] };
  }
  // A release before this one has none.
  if (pathname === '/v1/incidents') return wrong ? { data: [outage], next: null } : undefined;
  if (pathname === '/v1/cases') return { data: wrong ? [openCase] : [], next: null };
  if (pathname === '/v1/slips') {
    const isLast = !wrong || target.searchParams.get('cursor') === 'last';
    return { data: wrong ? [slip, slip] : [], next: isLast ? null : 'last' };
  }
  if (pathname === '/v1/stream') return streams.shift();
  return undefined;
}

beforeAll(async () => {
  service = await serve((target) => {
    asked.push(target);
    const body = answer(target);
    return body === undefined ? { status: 404, body: { detail: 'not here' } } : { body };
  });
  const names = ['INTAKE_URL', 'GATEWAY_URL', 'LEDGER_URL', 'RECONCILIATION_URL'];
  env = { TOKEN_SRE: 'good', ...Object.fromEntries(names.map((name) => [name, service.url])) };
});
beforeEach(() => {
  [wrong, asked, streams] = [false, [], [streamed('a'), streamed('a')]];
});
afterAll(() => service.stop());

describe('slipctl status', () => {
  it('ends with 0 when nothing is wrong', async () => {
    const { code, stdout } = await slipctl(['status'], env);
    expect(stdout).toContain('nothing is wrong');
    expect(code).toBe(0);
  });

  it('names all that is wrong, what shows more of it, and ends with 1', async () => {
    wrong = true;
    const { code, stdout } = await slipctl(['status'], env);
    expect(code).toBe(1);
    for (const said of [
      /WRONG +ledger +not ready: consumer: stands/,
      /WRONG +detector +blind since 2026-11-22T10:00:00Z because of ledger: it sees nothing; 3 live slips are open/,
      /WRONG +returns +fewer than usual come back from acme on route default since 2026-11-22T09:00:00Z/,
      /WRONG +providers +acme is disabled/,
      /WRONG +incidents +acme since 2026-11-22T09:59:00Z: 7 slips were missed, 2 of them are open/,
      / {2}slipctl cases --incident inc-1\n/,
      /WRONG +intake dead letters +2 of slips.events.v1 wait, of 1 slips: failed/,
      /WRONG +cases +1 open \(1 no_answer\), the oldest since 2026-11-22T10:00:06Z/,
      /ok +not returned +at least 2 live slips had no answer in time/,
      /WRONG +money at risk +at least 25.00 EUR on 2 slips/,
      / {2}slipctl dlq list --service ledger --reason failed/,
    ]) {
      expect(stdout).toMatch(said);
    }
  });

  it('ends with 3 when a service cannot be asked, and tells the others', async () => {
    const { code, stdout } = await slipctl(['status', '--json'], {
      ...env,
      INTAKE_URL: 'http://127.0.0.1:9',
    });
    expect(code).toBe(3);
    const { ok, findings } = JSON.parse(stdout);
    expect(ok).toBe(false);
    expect(findings).toContainEqual({ level: 'ok', what: 'ledger', detail: 'ready', next: null });
    expect(findings).toContainEqual(expect.objectContaining({ level: 'unknown', what: 'intake' }));
  });
});

describe('slipctl slips, cases and tail', () => {
  it('hands the filters to the API, and stops at its limit', async () => {
    wrong = true;
    const { code, stdout, stderr } = await slipctl(
      [
        ...['slips', '--provider', 'acme', 'bolt', '--not', 'status=settled', '--metadata', 'basket=7'],
        ...['--not-returned', '--submitted-from', '2026-11-22T00:00:00Z', '--limit', '3'],
      ],
      env,
    );
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(4);
    expect(stdout).toMatch(/^slip +reference +status/);
    expect(stdout).toMatch(
      /s-1 +ord-1 +not_returned, overdue +12.50 EUR +acme .* open +third_party\/provider_silent/,
    );
    expect(stderr).toContain('the first 3');
    // Which of two providers an answer is of does not tell that both are there: they are asked for first.
    const [known, list] = asked.filter(({ pathname }) => pathname === '/v1/slips');
    expect(known!.search).toBe('?provider=bolt&page_size=1');
    const query = [...list!.searchParams];
    expect(query).toEqual(
      expect.arrayContaining([
        ...[
          ['provider', 'acme'],
          ['provider', 'bolt'],
          ['status.not', 'settled'],
          ['metadata.basket', '7'],
        ],
        ...[
          ['not_returned', 'true'],
          ['submitted_from', '2026-11-22T00:00:00.000000Z'],
          ['page_size', '3'],
        ],
      ]),
    );
    expect(query).toHaveLength(7);
  });

  it('gives all of them as one array, and says that there are more only where there are', async () => {
    wrong = true;
    const all = await slipctl(['slips', '--all', '--json'], env);
    expect(JSON.parse(all.stdout)).toEqual([slip, slip, slip, slip]);
    const [some, exactly] = [
      await slipctl(['slips', '--limit', '2'], env),
      await slipctl(['slips', '--limit', '4'], env),
    ];
    expect([some.stderr.includes('the first 2'), exactly.stderr]).toEqual([true, '']);
    wrong = false;
    expect((await slipctl(['slips', '--json'], env)).stdout).toBe('[]\n');
  });

  it('lists cases, open ones unless it is told otherwise', async () => {
    wrong = true;
    const { stdout } = await slipctl(['cases'], env);
    expect(stdout).toMatch(/s-1 +open +2026-11-22T10:00:06Z +no_answer +acme +- +No answer came\./);
    expect(asked[0]!.searchParams.get('status')).toBe('open');
    expect(JSON.parse((await slipctl(['cases', '--status', 'all', '--json'], env)).stdout)).toEqual([
      openCase,
    ]);
    expect(asked[1]!.searchParams.has('status')).toBe(false);
  });

  it('follows events until it has seen enough, and says where it stands', async () => {
    const { code, stdout } = await slipctl(['tail', '--count', '1', '--provider', 'acme', '--json'], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ ...event, stream_id: 'a' });
    expect(asked.map(({ pathname, search }) => pathname + search)).toEqual([
      '/v1/providers/acme',
      '/v1/stream?provider=acme',
    ]);
    const told = await slipctl(['tail', '--count', '1'], env);
    expect(told.stdout).toBe('2026-11-22T10:00:01.25Z  s-1  The outcome returned: acme says succeeded.\n');
  });

  it('goes on where a stream ended because it was read too slowly', async () => {
    const tooSlow = 'event: too_slow\ndata: {"detail":"You read too slowly; go on from the last id."}\n\n';
    streams = [streamed('a') + tooSlow, streamed('b')];
    const { code, stdout, stderr } = await slipctl(['tail', '--count', '2', '--json'], env);
    const ids = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).stream_id);
    expect([code, ids, stderr]).toEqual([0, ['a', 'b'], '']);
  });

  it.each([
    [['slips', '--csv', '--json']],
    [['slips', '--not', 'settled']],
    [['cases', '--limit', '0']],
    [['tail', '--past']],
  ])('%p is wrong usage', async (args) => {
    const { code, stderr } = await slipctl(args, env);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/\S/)]);
  });

  it('tells an error in one line, as JSON where JSON was asked for, and no stack', async () => {
    const status = await slipctl(['status', '--token', 'bad'], env);
    expect([status.code, status.stdout]).toEqual([2, '']);
    expect(status.stderr).toMatch(/^slipctl: \w+ does not accept the bearer token \(401\)[^\n]*\n$/);
    const { code, stderr } = await slipctl(['cases', '--json', '--token', 'bad'], env);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: expect.stringContaining('does not accept the bearer token'),
      exit_code: 2,
    });
    const debug = await slipctl(['cases', '--token', 'bad', '--debug'], env);
    expect(debug.stderr).toMatch(/\n +at /);
  });

  it('has a version', async () => {
    expect((await slipctl(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
