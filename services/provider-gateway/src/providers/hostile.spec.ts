import { afterEach, describe, expect, test } from '@jest/globals';
import type { Provider } from '../application/ports.ts';
import { dispatch } from '../domain/dispatch/spec-support.ts';
import { openProviders } from './registry.ts';
import { http, type ProtocolUnderTest, patientMs, rulesOf, says, Wire } from './spec-support.ts';
import { type Ending, hostileAnswers, type Place } from './test-support/hostile-answers.ts';
import { hostileWords, hostileWordsOfASlip, type Understood } from './test-support/hostile-words.ts';
import { protocolsUnderTest } from './test-support/protocols.ts';

// The part of the contract that tells of hostile providers: every behaviour, of every protocol, wherever an answer is waited for.

const slip = dispatch({ attempt: 2 });
const { slipId } = slip;
const final = { outcome: 'succeeded', amount: { amount: 1250n, currency: 'EUR' } } as const;
const statement = { zone: 'UTC', availableAt: '00:00' };
const day = '2026-11-22';

let wire: Wire;
afterEach(() => wire?.close());

async function send(provider: Provider) {
  return (await provider.send(provider.prepare(slip), performance.now() + patientMs)).outcome;
}

/** The answer that a place waits for, how it is fetched, and what it comes to when it is taken. */
interface Waiting {
  readonly whole: string;
  readonly fetch: (provider: Provider) => Promise<unknown>;
  readonly taken: object;
}

function placesOf(under: ProtocolUnderTest): ReadonlyMap<Place, Waiting> {
  const inquire = async (provider: Provider) => (await provider.inquire(slipId)).outcome;
  const answered = { kind: 'answered', answer: { kind: 'returned', ...final } };
  const places = new Map<Place, Waiting>([
    ['call', { whole: under.reply(slipId, final), fetch: send, taken: answered }],
    ['inquiry', { whole: under.inquiryReply(slipId, final), fetch: inquire, taken: answered }],
    [
      'denial',
      { whole: under.inquiryReply(slipId, 'not_found'), fetch: inquire, taken: { kind: 'not_found' } },
    ],
  ]);
  if (under.cancellation !== null) {
    places.set('cancellation', {
      whole: under.cancellation.confirmation(slipId),
      fetch: async (provider) => (await provider.cancel!(slipId)).outcome,
      taken: { kind: 'cancelled' },
    });
  }
  if (under.statement !== null) {
    places.set('statement', {
      whole: http(200, under.statement.body([{ slipId, saying: final }]), { 'content-type': 'text/csv' }),
      fetch: async (provider) => provider.statements!.fetch(day),
      taken: { kind: 'statement' },
    });
  }
  return places;
}

const lost = (place: Place, reason: Ending) =>
  place === 'call' ? { kind: 'unanswered', reason } : { kind: 'no_answer', detail: expect.any(String) };

describe.each(protocolsUnderTest)('a hostile provider of $protocol', (under) => {
  const { cancellation, callbacks } = under;
  const all = {
    cancelByReference: cancellation !== null,
    statement: under.statement === null ? null : statement,
  };

  describe.each([...placesOf(under)])(
    'in the place of the answer to a %s',
    (place, { whole, fetch, taken }) => {
      // A statement is long, and waited for longer than a spec may take: how a call runs out is one for all.
      const answers = hostileAnswers.filter(({ ends }) => place !== 'statement' || ends !== 'timeout');

      test.each(answers)('$behaviour', async ({ write, ends, but }) => {
        const ending = but?.[place] ?? ends;
        wire = await Wire.listen(write(whole));
        const patience = ending === 'timeout' ? { answerTimeoutMs: 300 } : {};
        const outcome = await fetch(wire.provider(under, { ...all, ...patience }));
        expect(outcome).toMatchObject(ending === 'taken' ? taken : lost(place, ending));
        // Whatever came of it, nothing is sent again.
        expect(wire.requests).toHaveLength(1);
      });
    },
  );

  const understoodAs = (place: Place, understood: Understood) =>
    understood === 'garbage' ? lost(place, 'garbage') : { kind: 'answered', answer: understood };

  describe('says in an answer', () => {
    test.each(hostileWords(under))('$behaviour', async ({ body, understood }) => {
      wire = await Wire.listen(says(http(200, body(slipId))));
      const provider = wire.provider(under, all);
      expect(await send(provider)).toMatchObject(understoodAs('call', understood));
      const { outcome } = await provider.inquire(slipId);
      expect(outcome).toMatchObject(understoodAs('inquiry', understood));
      if (provider.cancel === null) return;
      const cancelled = await provider.cancel(slipId);
      expect(cancelled.outcome).toMatchObject(understoodAs('cancellation', understood));
    });

    test('two words at once', async () => {
      wire = await Wire.listen(says(under.twoWords(slipId)));
      const provider = wire.provider(under, all);
      expect(await send(provider)).toMatchObject(lost('call', 'garbage'));
      expect((await provider.inquire(slipId)).outcome).toMatchObject(lost('inquiry', 'garbage'));
    });

    test.each([400, 402, 418, 422, 451])(
      'a success with the status %s: a code and a word that differ',
      async (status) => {
        wire = await Wire.listen(says(http(status, under.json.body(slipId, final))));
        expect(await send(wire.provider(under))).toMatchObject(lost('call', 'garbage'));
      },
    );

    test('a failure with the status 429: nothing was taken', async () => {
      wire = await Wire.listen(says(http(429, under.json.body(slipId, { outcome: 'failed' }))));
      expect(await send(wire.provider(under))).toMatchObject(lost('call', 'throttled'));
    });

    test.each([400, 403, 422])('a failure with the status %s: a refusal in its own word', async (status) => {
      wire = await Wire.listen(says(http(status, under.json.body(slipId, { outcome: 'failed' }))));
      expect(await send(wire.provider(under))).toMatchObject({
        ...{ kind: 'answered', answer: { kind: 'returned', outcome: 'failed' } },
      });
    });
  });

  if (under.statement !== null) {
    const { bodyOf } = under.statement;
    // Fields of a table are text, and these are not about what quotes are for.
    const isField = (value: unknown) =>
      value === null ||
      value === undefined ||
      (typeof value === 'string' && /^[\w .+\-\u0660-\u0669]*$/.test(value));
    const words = hostileWordsOfASlip(under).filter(({ body }) => Object.values(body(slipId)).every(isField));

    describe('says in a line of its statement', () => {
      test.each(words)('$behaviour', async ({ body, understood }) => {
        const lines = [body(slipId), under.json.body(slipId, final)];
        wire = await Wire.listen(says(http(200, bodyOf(lines), { 'content-type': 'text/csv' })));
        const fetched = await wire.provider(under, all).statements!.fetch(day);
        expect(fetched.kind).toBe('statement');
        const [line, next] = fetched.kind === 'statement' ? [...fetched.lines] : [];
        // What a table does not tell is not told.
        const { reason: _, acceptedAt: __, ...told } = understood === 'garbage' ? {} : (understood as Told);
        expect(line).toMatchObject(
          understood === 'garbage' ? { problem: expect.any(String) } : { slipId, answer: told },
        );
        expect(next).toMatchObject({ slipId, answer: { outcome: 'succeeded' } });
      });
    });
  }

  if (callbacks === null) return;
  const { current } = under.secrets;
  const { read } = openProviders([rulesOf(under)]).get('acme')!.callbackReader!;

  describe('says in a callback', () => {
    test.each(hostileWordsOfASlip(under))('$behaviour', ({ body, understood }) => {
      const { body: bytes, headers } = callbacks.signedBody('msg-1', callbacks.bodyOf(body(slipId)), current);
      const { message } = read(bytes, headers);
      if (understood === 'garbage') {
        // It has news, whatever they are: its slip is asked about.
        expect(message).toMatchObject({ problem: expect.any(String), names: slipId });
      } else {
        expect(message).toMatchObject({ slipId, answer: understood });
      }
    });

    test.each(['another', `${slipId}' or '1'='1`, slipId.toUpperCase(), '__proto__'])(
      'that it speaks of %j: that is nobody here, and kept for people',
      (name) => {
        const text = callbacks.bodyOf(under.json.body(name, final));
        const { body, headers } = callbacks.signedBody('msg-1', text, current);
        expect(read(body, headers).message).toMatchObject({ slipId: name });
      },
    );

    test('what another provider has signed, which is not believed', () => {
      const { body, headers } = callbacks.signed('msg-1', slipId, final, callbacks.otherSecret);
      expect(() => read(body, headers)).toThrow(expect.objectContaining({ code: 'signature_invalid' }));
    });
  });
});

interface Told {
  readonly reason?: unknown;
  readonly acceptedAt?: unknown;
}
