import { afterEach, describe, expect, test } from '@jest/globals';
import { http, type Saying, says } from './spec-support.ts';
import { counts, Life, proves } from './test-support/life.ts';
import { protocolsUnderTest } from './test-support/protocols.ts';

// The part of the contract that tells how slips end: every fault of a provider, of every protocol, from the call to what is known of
// the slip in the end. A slip is submitted once in each of them, whatever comes.

const of = (amount: bigint, currency = 'EUR'): Saying => ({
  outcome: 'succeeded',
  amount: { amount, currency },
});
const success = of(1250n);
const failure: Saying = { outcome: 'failed' };
const hangUp = (socket: { destroy(): void }) => socket.destroy();
const page = says(http(200, '<html>', { 'content-type': 'text/html' }));
const proxy = says(http(404, { error: 'no route' }));
const broken = says(http(500, {}));
const redirect = says(http(302, '', { location: 'http://169.254.169.254/' }));

interface Fault {
  readonly fault: string;
  readonly live: (life: Life) => Promise<void>;
  readonly end: string;
  readonly told: readonly string[];
  readonly calls?: number;
  readonly breaks?: true;
}

const fault = (
  fault: string,
  end: string,
  told: readonly string[],
  live: Fault['live'],
  more: Pick<Fault, 'calls' | 'breaks'> = {},
): Fault => ({ fault, live, end, told, ...more });

/** Denied twice, a quiet period apart, later than it could have been accepted. */
async function deny(life: Life): Promise<void> {
  await life.ask(counts, 'not_found');
  await life.ask(proves, 'not_found');
}
const [unanswered, returned, acknowledged] = ['DispatchUnanswered', 'SlipReturned', 'SlipAcknowledged'];
const doubted = 'AnswerDoubted';

/** What protocols have in common that have callbacks or not. */
const faults: readonly Fault[] = [
  fault('none, and the answer at once', 'succeeded', [returned], (life) => life.call(success)),
  fault('none, and the answer to a question', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    await life.ask(counts, success);
  }),
  fault(
    'refuses connections, for good',
    'not executed',
    ['DispatchNotSent'],
    async (life) => {
      await life.away();
      await life.call('pending');
      await life.ask(20_000, 'not_found');
    },
    { calls: 0 },
  ),
  fault('rejects', 'failed', [returned], (life) => life.call(failure)),
  fault('hangs up before the work', 'not executed', [unanswered], async (life) => {
    await life.call(hangUp);
    await deny(life);
  }),
  fault('hangs up after the work', 'succeeded', [unanswered, returned], async (life) => {
    await life.call(hangUp);
    await life.ask(counts, success);
  }),
  fault('executes late, as it declares', 'succeeded', [unanswered, returned], async (life) => {
    await life.call(hangUp);
    await life.ask(counts - 1, 'not_found');
    await life.ask(proves, success);
  }),
  fault(
    'executes later than it declares',
    'succeeded',
    [unanswered, returned],
    async (life) => {
      await life.call(hangUp);
      await deny(life);
      expect(life.end).toBe('not executed');
      await life.ask(9_000, success);
    },
    { breaks: true },
  ),
  fault(
    'is working on what it denied',
    'not executed',
    [unanswered, acknowledged],
    async (life) => {
      await life.call(hangUp);
      await deny(life);
      await life.ask(9_000, 'pending');
    },
    { breaks: true },
  ),
  fault('answers 500 before the work', 'not executed', [unanswered], async (life) => {
    await life.call(broken);
    await deny(life);
  }),
  fault('answers 500 after the work', 'succeeded', [unanswered, returned], async (life) => {
    await life.call(broken);
    await life.ask(counts, success);
  }),
  fault('answers 429', 'not executed', [unanswered], async (life) => {
    await life.call(says(http(429, {})));
    await deny(life);
  }),
  fault('redirects the call', 'not executed', [unanswered], async (life) => {
    await life.call(redirect);
    await deny(life);
  }),
  fault('answers with a page', 'succeeded', [unanswered, returned], async (life) => {
    await life.call(page);
    await life.ask(counts, success);
  }),
  fault('cuts its answer off', 'succeeded', [unanswered, returned], async (life) => {
    await life.call(
      (socket) => void socket.write('HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{', () => socket.destroy()),
    );
    await life.ask(counts, success);
  }),
  fault('changes the amount', 'succeeded', [returned], async (life) => {
    await life.call(of(1251n));
    expect(life.events[0]).toMatchObject({ data: { amount: { amount: 1251n, currency: 'EUR' } } });
  }),
  fault('changes the currency', 'succeeded', [returned], async (life) => {
    await life.call(of(1250n, 'JPY'));
    expect(life.events[0]).toMatchObject({ data: { amount: { amount: 1250n, currency: 'JPY' } } });
  }),
  fault(
    'names an amount that cannot be read, then one that can',
    'succeeded',
    [doubted, returned],
    async (life) => {
      await life.call({ outcome: 'succeeded', amount: 'unreadable' });
      // It is asked at once what it meant.
      expect(life.dispatch.pollAt).not.toBeNull();
      await life.ask(counts, success);
    },
  ),
  fault('names amounts that cannot be read, for good', 'unknown', [doubted], async (life) => {
    await life.call({ outcome: 'succeeded', amount: 'unreadable' });
    for (const at of [counts, proves, 9_000])
      await life.ask(at, { outcome: 'succeeded', amount: 'unreadable' });
  }),
  fault('fails, of an amount that cannot be read', 'failed', [returned], (life) =>
    life.call({ outcome: 'failed', amount: 'unreadable' }),
  ),
  fault('says what nobody knows, then what it means', 'succeeded', [doubted, returned], async (life) => {
    await life.call('unheard_of');
    await life.ask(counts, success);
  }),
  fault('says what nobody knows, for good', 'unknown', [doubted], async (life) => {
    await life.call('unheard_of');
    for (const at of [counts, proves, 9_000]) await life.ask(at, 'unheard_of');
  }),
  fault('denies what it spoke of', 'unknown', [doubted], async (life) => {
    await life.call('unheard_of');
    await deny(life);
  }),
  fault('denies what it took', 'unknown', [acknowledged], async (life) => {
    await life.call('pending');
    await deny(life);
  }),
  fault('denies for a while what it took', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    await deny(life);
    await life.ask(9_000, success);
  }),
  fault(
    'denies it once, then knows it',
    'succeeded',
    [unanswered, returned],
    async (life) => {
      await life.call(hangUp);
      await life.ask(counts, 'not_found');
      await life.ask(proves, success);
    },
    { breaks: true },
  ),
  fault('denies it twice too soon after each other', 'unknown', [unanswered], async (life) => {
    await life.call(hangUp);
    await life.ask(counts, 'not_found');
    await life.ask(proves - 1, 'not_found');
  }),
  fault('denies it when it may still take it, and later', 'unknown', [unanswered], async (life) => {
    await life.call(hangUp);
    await life.ask(counts - 1, 'not_found');
    await life.ask(proves, 'not_found');
  }),
  fault('denies what it executed', 'succeeded', [returned], async (life) => {
    await life.call(success);
    await deny(life);
  }),
  fault('is behind a proxy that knows no path', 'unknown', [unanswered], async (life) => {
    await life.call(proxy);
    for (const at of [counts, proves, 9_000]) await life.ask(at, proxy);
  }),
  ...(
    [
      ['500', broken],
      ['a page', page],
      ['a redirect', redirect],
      ['429', says(http(429, {}))],
      ['the end of the connection', hangUp],
      [
        'an answer about another slip',
        says(http(200, { slip_id: 'x', order_ref: 'x', status: 'not_found' })),
      ],
    ] as const
  ).map(([what, answer]) =>
    fault(`answers no question but by ${what}`, 'unknown', [unanswered], async (life) => {
      await life.call(hangUp);
      for (const at of [counts, proves, 9_000]) await life.ask(at, answer);
    }),
  ),
  fault('works on it for ever', 'unknown', [acknowledged], async (life) => {
    await life.call('pending');
    for (const at of [counts, proves, 9_000, 30_000]) await life.ask(at, 'pending');
  }),
  fault(
    'refuses the repeat of what it executed',
    'succeeded',
    [unanswered, unanswered, returned],
    async (life) => {
      await life.call(hangUp);
      life.intend();
      await life.call(failure);
      expect(life.end).toBe('unknown');
      await life.ask(counts, success);
    },
    { calls: 2 },
  ),
  fault(
    'refuses the repeat of what it did not take',
    'failed',
    [unanswered, unanswered, returned],
    async (life) => {
      await life.call(hangUp);
      life.intend();
      await life.call(failure);
      await life.ask(counts, failure);
    },
    { calls: 2 },
  ),
  fault('says one thing many times', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    for (const at of [counts, proves, 9_000]) await life.ask(at, success);
  }),
];

/** Those in which it calls back. */
const calledBack: readonly Fault[] = [
  fault('none', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    life.callBack(900, success);
  }),
  fault('calls back before it replies', 'succeeded', [returned], async (life) => {
    life.intend();
    life.callBack(100, success);
    await life.call('pending');
  }),
  fault('calls back, and never replies', 'succeeded', [returned], async (life) => {
    life.intend();
    life.callBack(100, success);
    await life.call(hangUp);
  }),
  fault('calls back, then answers 500', 'succeeded', [returned], async (life) => {
    life.intend();
    life.callBack(100, success);
    await life.call(broken);
  }),
  fault('calls back a failure, then replies a success', 'failed, then success', [returned], async (life) => {
    life.intend();
    life.callBack(100, failure);
    await life.call(success);
  }),
  fault('replies a failure, then calls back a success', 'succeeded', [returned, returned], async (life) => {
    await life.call(failure);
    life.callBack(900, success);
    // Before the refund is known the ledger could take it for the first answer.
    expect(life.end).toBe('failed, then success');
    life.refund();
  }),
  fault('calls back four times', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    for (const at of [900, 901, 902, 9_000]) life.callBack(at, success);
  }),
  fault('calls back in another order', 'succeeded', [returned], async (life) => {
    life.intend();
    life.callBack(100, success);
    life.callBack(101, 'pending');
    await life.call('pending');
  }),
  fault('loses its callback', 'succeeded', [acknowledged, returned], async (life) => {
    await life.call('pending');
    await life.ask(counts, success);
  }),
  fault(
    'calls back what it was asked about, late',
    'succeeded',
    [acknowledged, returned, returned],
    async (life) => {
      await life.call('pending');
      await life.ask(21_000, success);
      // It was late and not lost: that is told once.
      for (const at of [22_000, 23_000]) life.callBack(at, success);
    },
  ),
  fault('is played by somebody else', 'unknown', [acknowledged], async (life) => {
    await life.call('pending');
    const forge = () => life.callBack(900, success, life.under.callbacks!.otherSecret);
    expect(forge).toThrow(expect.objectContaining({ code: 'signature_invalid' }));
  }),
  fault(
    'calls back a success of what it denied',
    'succeeded',
    [unanswered, returned],
    async (life) => {
      await life.call(hangUp);
      await deny(life);
      life.refund();
      life.callBack(9_000, success);
    },
    { breaks: true },
  ),
  ...(['failed', 'void'] as const).map((outcome) =>
    fault(`calls back “${outcome}” after a success`, 'succeeded', [returned, returned], async (life) => {
      await life.call(success);
      for (const at of [900, 901]) life.callBack(at, { outcome });
      expect(life.events[1]).toMatchObject({ data: { outcome, evidence: 'signed_callback' } });
    }),
  ),
  fault('calls back “void” after a failure', 'failed', [returned, returned], async (life) => {
    await life.call(failure);
    for (const at of [900, 901]) life.callBack(at, { outcome: 'void' });
  }),
  fault('calls back a success again, of another amount', 'succeeded', [returned, returned], async (life) => {
    await life.call(success);
    for (const at of [900, 901]) life.callBack(at, of(999n));
  }),
  fault('calls back what nobody knows after the end', 'succeeded', [returned, doubted], async (life) => {
    await life.call(success);
    for (const at of [900, 901]) life.callBack(at, 'unheard_of');
  }),
];

let life: Life;
afterEach(() => life?.close());

describe.each(protocolsUnderTest)('a provider of $protocol that', (under) => {
  const rows = under.callbacks === null ? faults : [...faults, ...calledBack];

  test.each(rows)('$fault: $end', async ({ live, end, told, calls = 1, breaks = false }) => {
    life = await Life.begin(under);
    await live(life);
    expect({ end: life.end, told: life.told, calls: life.calls }).toEqual({ end, told, calls });
    expect(life.promiseBroken).toBe(breaks);
  });
});
