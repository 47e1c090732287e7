import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FetchedStatement, Provider } from '../application/ports.ts';
import { dispatch } from '../domain/dispatch/spec-support.ts';
import { jsonCallbackUnderTest } from './json-callback/spec-support.ts';
import { openProviders, protocols } from './registry.ts';
import { http, patientMs, rulesOf, type Saying, says, selfSigned, Wire } from './spec-support.ts';
import { protocolsUnderTest } from './test-support/protocols.ts';
import { impossibleSlip } from './transport/probe.ts';

/** What every provider has to keep, over a real server; what it may not fall for is in `hostile.spec.ts`. */
const all = protocolsUnderTest;

const slip = dispatch({ attempt: 2 });
const { slipId } = slip;
const eur = (amount: bigint) => ({ amount, currency: 'EUR' });

let wire: Wire;
afterEach(() => wire?.close());

const soon = () => performance.now() + patientMs;
const send = async (provider: Provider, startBeforeMs = soon()) =>
  (await provider.send(provider.prepare(slip), startBeforeMs)).outcome;

test('every protocol of the registry is here', () => {
  expect(all.map((one) => one.protocol).sort()).toEqual(Object.keys(protocols).sort());
});

test('a protocol that nobody speaks stops the start and is named', () => {
  const rules = rulesOf({ ...jsonCallbackUnderTest, protocol: 'telex' });
  expect(() => openProviders([rules])).toThrow('telex');
  expect(() => openProviders([{ ...rules, protocol: 'toString' }])).toThrow('toString');
});

const berlin = { zone: 'Europe/Berlin', availableAt: '01:30' };

describe.each(all)('a provider of $protocol', (under) => {
  const final = { outcome: 'succeeded', amount: eur(1250n) } as const;
  const succeeded = under.reply(slipId, final);

  describe('says what it can do', () => {
    test('as the rules declare it', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under, { acceptanceDelayMaxMs: null, concurrencyMax: 7 });
      expect(provider.id).toBe('acme');
      expect(provider.capabilities).toMatchObject({
        connectTimeoutMs: patientMs,
        answerTimeoutMs: patientMs,
        acceptanceDelayMaxMs: null,
        concurrencyMax: 7,
      });
      expect(provider.capabilities.inquiryConcurrencyMax).toBeGreaterThanOrEqual(1);
    });

    test('with a meaning for each of its words', async () => {
      wire = await Wire.listen(() => {});
      const { words } = wire.provider(under).capabilities;
      const all = Object.values(words).flat();
      expect(new Set(all).size).toBe(all.length);
      for (const meaning of ['acknowledged', 'succeeded', 'failed'] as const) {
        expect(words[meaning].length).toBeGreaterThan(0);
      }
    });

    test('as the rules say when it is asked', async () => {
      wire = await Wire.listen(() => {});
      const declared = { visibilityDelayMs: 700, pollLadderMs: [1_000, 5_000] };
      expect(wire.provider(under, declared).capabilities).toMatchObject(declared);
    });
  });

  describe('prepares a call', () => {
    test('with the digest of exactly the bytes that are sent, the same each time', async () => {
      wire = await Wire.listen(says(succeeded));
      const provider = wire.provider(under);
      const call = provider.prepare(slip);
      expect(provider.prepare(slip)).toEqual(call);
      expect(call.slipId).toBe(slipId);
      expect(provider.prepare({ ...slip, amount: eur(1n) }).digest).not.toBe(call.digest);
      await send(provider);
      const body = wire.requests[0]!.split('\r\n\r\n')[1]!;
      expect(createHash('sha256').update(body).digest('hex')).toBe(call.digest);
    });

    test('the same to the byte at every attempt, where it declares that it is the same order then', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under, { idempotentByReference: true });
      expect(provider.capabilities.idempotentByReference).toBe(true);
      expect(provider.prepare({ ...slip, attempt: 3 })).toEqual(provider.prepare(slip));
    });
  });

  describe('takes for an answer', () => {
    test.each([
      ['an acknowledgement', 'pending', { kind: 'acknowledged' }],
      [
        'an acknowledgement with the time at which it accepted the slip',
        { acceptedAt: '2026-11-22T10:00:00+01:00' },
        { kind: 'acknowledged', acceptedAt: '2026-11-22T09:00:00.000000Z' },
      ],
      ['one whose time cannot be read', { acceptedAt: 'noon' }, { kind: 'acknowledged' }],
      [
        'a word that nobody knows: it settles nothing, and is told as it came',
        'unheard_of',
        { kind: 'doubtful', doubt: 'word_unknown', said: 'COMPLETED_MAYBE' },
      ],
      ['a success with its amount', final, { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) }],
      [
        'another amount as it is told',
        { outcome: 'succeeded', amount: { amount: 1n, currency: 'JPY' } },
        { outcome: 'succeeded', amount: { amount: 1n, currency: 'JPY' } },
      ],
      ['a success without an amount', { outcome: 'succeeded' }, { outcome: 'succeeded', amount: null }],
      ['a failure', { outcome: 'failed' }, { kind: 'returned', outcome: 'failed' }],
      ['a void', { outcome: 'void' }, { kind: 'returned', outcome: 'void' }],
      [
        'a failure whose amount cannot be read: nothing moved, whatever it says',
        { outcome: 'failed', amount: 'unreadable' },
        { kind: 'returned', outcome: 'failed', amount: null },
      ],
      [
        'a success whose amount cannot be read: it settles nothing, and is told as it came',
        { outcome: 'succeeded', amount: 'unreadable' },
        { kind: 'doubtful', doubt: 'amount_unreadable' },
      ],
    ] as const)('%s', async (_, saying, expected) => {
      wire = await Wire.listen(says(under.reply(slipId, saying)));
      expect(await send(wire.provider(under))).toMatchObject({ kind: 'answered', answer: expected });
      expect(wire.requests).toHaveLength(1);
    });
  });

  describe('lets nothing leave', () => {
    test('when nobody listens', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under);
      await wire.stopListening();
      expect(await send(provider)).toMatchObject({ kind: 'not_sent', reason: 'connection_refused' });
    });

    test('when the name is not known', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under, { baseUrl: 'http://no-such-host.invalid' });
      expect(await send(provider)).toMatchObject({ kind: 'not_sent' });
    });

    test('when the other side speaks no TLS', async () => {
      wire = await Wire.listen((socket) => void socket.end('no TLS here'));
      const provider = wire.provider(under, { baseUrl: `https://127.0.0.1:${wire.port}` });
      expect(await send(provider)).toMatchObject({ kind: 'not_sent' });
    });

    test('when nobody vouches for the certificate that the other side shows', async () => {
      wire = await Wire.listen(says(succeeded), selfSigned);
      const provider = wire.provider(under, { baseUrl: `https://127.0.0.1:${wire.port}/api` });
      expect(await send(provider)).toMatchObject({ kind: 'not_sent' });
      expect((await provider.inquire(slipId)).outcome).toMatchObject({ kind: 'no_answer' });
      expect(wire.requests).toEqual([]);
    });

    test('when the time to send has passed, on a connection or not', async () => {
      wire = await Wire.listen(says(succeeded));
      const provider = wire.provider(under);
      expect(await send(provider, performance.now() - 1)).toMatchObject({ kind: 'not_sent' });
      expect(await send(provider)).toMatchObject({ kind: 'answered' });
      expect(await send(provider, performance.now() - 1)).toMatchObject({ kind: 'not_sent' });
      expect(wire.requests).toHaveLength(1);
    });

    test('when the process slept between the commit and the connection', async () => {
      wire = await Wire.listen(says(succeeded));
      let now = 1_000;
      const provider = wire.provider(under, {}, () => now);
      const sending = send(provider, 1_000 + patientMs);
      now += 2 * patientMs;
      expect(await sending).toMatchObject({ kind: 'not_sent', reason: 'too_late' });
      expect(wire.requests).toEqual([]);
    });

    test('when the process stood still while it was to connect: that is no word about the provider', async () => {
      wire = await Wire.listen(() => {});
      let now = 1_000;
      const provider = wire.provider(under, { answerTimeoutMs: 1_000 }, () => now);
      const { concurrencyMax, inquiryConcurrencyMax } = provider.capabilities;
      const busy = Array.from({ length: concurrencyMax + inquiryConcurrencyMax }, () =>
        send(provider, now + patientMs),
      );
      const late = send(provider, now + 100);
      now += 5_000;
      expect(await late).toMatchObject({ kind: 'not_sent', reason: 'too_late' });
      await Promise.all(busy);
    });

    test('when every connection is busy until then, and its slot is kept until the request has left', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under, { answerTimeoutMs: 1_000 });
      const { concurrencyMax, inquiryConcurrencyMax } = provider.capabilities;
      const connections = concurrencyMax + inquiryConcurrencyMax;
      const first = Array.from({ length: connections }, () => send(provider));
      const late = await provider.send(provider.prepare(slip), performance.now() + 100);
      expect(late.outcome).toMatchObject({ kind: 'not_sent', reason: 'connect_timeout' });
      // It is told at once, and still in the queue: whoever counts calls must not forget it.
      let released = false;
      const leaving = late.released.then(() => {
        released = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(released).toBe(false);
      const lost = expect.objectContaining({ kind: 'unanswered' });
      expect(await Promise.all(first)).toEqual(Array.from({ length: connections }, () => lost));
      await leaving;
      expect(wire.requests).toHaveLength(connections);
    });
  });

  describe('asked about a slip', () => {
    test.each([
      ['says not found only in so many words', 'not_found', { kind: 'not_found' }],
      ['may be working on it', 'pending', { kind: 'answered', answer: { kind: 'acknowledged' } }],
      [
        'may say since when it has it',
        { acceptedAt: '2026-11-22T10:00:00Z' },
        { kind: 'answered', answer: { kind: 'acknowledged', acceptedAt: '2026-11-22T10:00:00.000000Z' } },
      ],
      [
        'may say what nobody understands: that is not “working on it”',
        'unheard_of',
        { kind: 'answered', answer: { kind: 'doubtful', said: 'COMPLETED_MAYBE' } },
      ],
      [
        'may name an amount that cannot be read',
        { outcome: 'succeeded', amount: 'unreadable' },
        { kind: 'answered', answer: { kind: 'doubtful', doubt: 'amount_unreadable' } },
      ],
      [
        'may know the outcome',
        final,
        { kind: 'answered', answer: { outcome: 'succeeded', amount: eur(1250n) } },
      ],
    ] as const)('%s', async (_, saying, expected) => {
      wire = await Wire.listen(says(under.inquiryReply(slipId, saying)));
      expect((await wire.provider(under).inquire(slipId)).outcome).toMatchObject(expected);
      expect(wire.requests).toHaveLength(1);
    });

    test('cannot be reached', async () => {
      wire = await Wire.listen(() => {});
      const provider = wire.provider(under);
      await wire.stopListening();
      expect((await provider.inquire(slipId)).outcome).toMatchObject({ kind: 'no_answer' });
    });
  });

  const { cancellation } = under;
  if (cancellation === null) {
    test('cannot cancel, and a rule that wants it stops the start', () => {
      const provider = openProviders([rulesOf(under)]).get('acme')!;
      expect([provider.cancel, provider.capabilities.cancelByReference]).toEqual([null, false]);
      expect(() => openProviders([rulesOf(under, { cancelByReference: true })])).toThrow(
        'acme.cancel_by_reference',
      );
    });
  } else {
    describe('cancels a slip that it does not know', () => {
      const cancel = async (answer: (socket: Socket) => void) => {
        wire = await Wire.listen(answer);
        const provider = wire.provider(under, { cancelByReference: true });
        expect(provider.capabilities.cancelByReference).toBe(true);
        const { outcome, released } = await provider.cancel!(slipId);
        await released;
        expect(wire.requests).toHaveLength(1);
        return outcome;
      };

      test('and its confirmation is kept as it came', async () => {
        expect(await cancel(says(cancellation.confirmation(slipId)))).toEqual({
          ...{ kind: 'cancelled', raw: { status: 200, body: expect.any(Uint8Array) } },
        });
        expect(wire.requests[0]).toMatch(new RegExp(`^POST /api/\\S*${slipId}\\S* HTTP`));
      });

      test.each<[string, Saying, object]>([
        ['that it has it after all', 'pending', { kind: 'acknowledged' }],
        ['what became of it', final, { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) }],
        ['what nobody understands', 'unheard_of', { kind: 'doubtful', said: 'COMPLETED_MAYBE' }],
      ])('or it tells %s, which is an answer', async (_, saying, answer) => {
        const outcome = await cancel(says(cancellation.reply(slipId, saying)));
        expect(outcome).toMatchObject({ kind: 'answered', answer });
      });

      test.each([
        ['the confirmation of another one', cancellation.confirmation('another')],
        ['NOT_FOUND', under.inquiryReply(slipId, 'not_found')],
      ])('but nothing is confirmed by %s', async (_, answer) => {
        expect(await cancel(says(answer))).toMatchObject({ kind: 'no_answer' });
      });

      test('where its rules declare it, and nowhere else', () => {
        const provider = openProviders([rulesOf(under)]).get('acme')!;
        expect([provider.cancel, provider.capabilities.cancelByReference]).toEqual([null, false]);
      });
    });
  }

  describe('is asked whether it is there', () => {
    const probed = async (answer: (socket: Socket) => void, path: string | null, probeMs = patientMs) => {
      wire = await Wire.listen(answer);
      const more = { probe: { everyMs: 500, path }, answerTimeoutMs: probeMs };
      const probe = wire.provider(under, more).probe!;
      expect(probe.everyMs).toBe(500);
      return probe.ask();
    };

    test('only where its rules want it', async () => {
      wire = await Wire.listen(() => {});
      expect(wire.provider(under).probe).toBeNull();
    });

    test('about a slip that cannot be: NOT_FOUND is an answer, and so is any word that it knows', async () => {
      expect(await probed(says(under.inquiryReply(impossibleSlip, 'not_found')), null)).toEqual({
        kind: 'answered',
      });
      expect(wire.requests).toHaveLength(1);
      expect(wire.requests[0]).toMatch(new RegExp(`^GET /api/\\S+/${impossibleSlip} `));
    });

    test('or where its rules say: every 2xx is an answer', async () => {
      expect(await probed(says(http(204, '')), '/health?deep=1')).toEqual({ kind: 'answered' });
      expect(wire.requests[0]).toMatch(/^GET \/api\/health\?deep=1 HTTP/);
    });

    test.each<[string, (socket: Socket) => void]>([
      ['503', says(http(503, {}))],
      ['a redirect', says(http(302, '', { location: 'http://127.0.0.1:1/' }))],
      ['the end of the connection', (socket) => void socket.end()],
      ['silence', () => {}],
    ])('but %s is none, on either way', async (what, answer) => {
      for (const path of [null, '/health']) {
        const said = await probed(answer, path, what === 'silence' ? 100 : patientMs);
        expect(said).toMatchObject({ kind: 'no_answer', detail: expect.any(String) });
        await wire.close();
      }
    });
  });

  describe('that is closed', () => {
    test('ends the calls it has, and sends nothing more', async () => {
      const asked = Promise.withResolvers<void>();
      wire = await Wire.listen(() => asked.resolve());
      const provider = wire.provider(under);
      const running = send(provider);
      await asked.promise;
      await provider.close();
      expect(await running).toMatchObject({ kind: 'unanswered', reason: 'connection_lost' });
      expect(await send(provider)).toMatchObject({ kind: 'not_sent' });
      expect(wire.requests).toHaveLength(1);
    });
  });

  const { statement } = under;
  if (statement === null) {
    test('gives no statements, and a rule that wants them stops the start', () => {
      expect(openProviders([rulesOf(under)]).get('acme')!.statements).toBeNull();
      expect(() => openProviders([rulesOf(under, { statement: berlin })])).toThrow('acme.statement');
    });
  } else {
    describe('gives a statement', () => {
      const fetched = async (answer: string) => {
        wire = await Wire.listen(says(answer));
        const provider = wire.provider(under, { statement: berlin, answerTimeoutMs: 1_000 });
        expect(provider.statements).toMatchObject(berlin);
        return provider.statements!.fetch('2026-11-22');
      };
      const csv = (body: string, headers = {}) => http(200, body, { 'content-type': 'text/csv', ...headers });
      const linesOf = (one: FetchedStatement) => (one.kind === 'statement' ? [...one.lines] : one);

      test('only where its rules say when a day is whole', async () => {
        wire = await Wire.listen(() => {});
        expect(wire.provider(under).statements).toBeNull();
      });

      test('of each line what it says of a slip, and nothing where the day had none', async () => {
        const lines = [
          { slipId, saying: final },
          { slipId: 's-2', saying: { outcome: 'failed' } as const },
          { slipId: 's-3', saying: 'unheard_of' as const },
          { slipId: 's-4', saying: { outcome: 'succeeded', amount: 'unreadable' } as const },
        ];
        expect(linesOf(await fetched(csv(statement.body(lines))))).toMatchObject([
          { line: 2, slipId, answer: { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) } },
          { line: 3, slipId: 's-2', answer: { kind: 'returned', outcome: 'failed' } },
          { line: 4, slipId: 's-3', answer: { kind: 'doubtful', said: 'COMPLETED_MAYBE' } },
          { line: 5, slipId: 's-4', answer: { kind: 'doubtful', doubt: 'amount_unreadable' } },
        ]);
        await wire.close();
        expect(linesOf(await fetched(csv(statement.body([]))))).toEqual([]);
      });

      test.each(statement.unreadable)(
        'and of the line %j where it stands, what it said and what is wrong',
        async (bad) => {
          const body = statement.body([{ slipId, saying: final }]);
          const lines = linesOf(await fetched(csv(`${body}${bad}\r\n${body.split('\r\n')[1]}\r\n`)));
          expect(lines).toMatchObject([
            { slipId },
            { line: 3, said: bad, problem: expect.any(String) },
            { slipId },
          ]);
        },
      );

      test.each<[string, string]>([
        ...statement.notOne.map((body): [string, string] => [JSON.stringify(body), csv(body)]),
        ['404', http(404, {})],
        ['500 with a statement', http(500, statement.body([]))],
        ['a redirect', http(302, '', { location: 'http://127.0.0.1:1/' })],
        ['a body that is encoded', csv(statement.body([]), { 'content-encoding': 'gzip' })],
        ['the end of the connection', 'HTTP/1.1 200 X\r\ncontent-length: 5000\r\n\r\norder'],
      ])('but none by %s', async (_, answer) => {
        wire = await Wire.listen((socket) => void socket.end(answer));
        const provider = wire.provider(under, { statement: berlin });
        expect(await provider.statements!.fetch('2026-11-22')).toMatchObject({
          ...{ kind: 'no_answer', detail: expect.any(String) },
        });
      });

      test('the same for the same day, by its digest', async () => {
        const body = csv(statement.body([{ slipId, saying: final }]));
        const one = await fetched(body);
        await wire.close();
        expect(await fetched(body)).toMatchObject({
          kind: 'statement',
          digest: (one as { digest: string }).digest,
        });
      });
    });
  }

  const { callbacks, secrets } = under;
  if (callbacks === null) {
    test('reads no callbacks, and says so', () => {
      expect(openProviders([rulesOf(under)]).get('acme')!.callbackReader).toBeNull();
    });
    return;
  }
  describe('reads callbacks', () => {
    const { signed, signedBody } = callbacks;
    const refusal = (code: string) => expect.objectContaining({ code });
    const read = () => openProviders([rulesOf(under)]).get('acme')!.callbackReader!.read;

    test.each(['current', 'next'] as const)('signed with the %s secret', (which) => {
      const { body, headers } = signed('msg-1', slipId, final, secrets[which]!);
      expect(read()(body, headers)).toMatchObject({
        webhookId: 'msg-1',
        message: { slipId, answer: { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) } },
      });
    });

    test.each<[string, Saying, object]>([
      ['whose word nobody knows', 'unheard_of', { kind: 'doubtful', said: 'COMPLETED_MAYBE' }],
      ['of a failure', { outcome: 'failed', amount: 'unreadable' }, { kind: 'returned', amount: null }],
      ['of a success', { outcome: 'succeeded', amount: 'unreadable' }, { kind: 'doubtful' }],
    ])('%s, as it came, whatever amount it names', (_, saying, answer) => {
      const { body, headers } = signed('msg-1', slipId, saying, secrets.current);
      expect(read()(body, headers).message).toMatchObject({ slipId, answer });
    });

    test('but none with a changed body, or without its headers', () => {
      const { body, headers } = signed('msg-1', slipId, final, secrets.current);
      const other = signed('msg-1', slipId, { outcome: 'failed' }, secrets.current).body;
      expect(() => read()(other, headers)).toThrow(refusal('signature_invalid'));
      expect(() => read()(body, {})).toThrow(refusal('signature_invalid'));
    });

    test.each(callbacks.unreadable(slipId))('and says why it learns nothing from %s', (text) => {
      const { body, headers } = signedBody('msg-1', text, secrets.current);
      expect(read()(body, headers)).toMatchObject({
        webhookId: 'msg-1',
        message: { problem: expect.any(String) },
      });
      expect(read()(body, headers).message).not.toHaveProperty('answer');
    });
  });
});
