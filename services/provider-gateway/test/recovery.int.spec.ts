import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { instantFromMs } from '@slipstream/kernel';
import { waitFor } from '@slipstream/testing';
import { type DispatcherParts, dispatchDueSlips } from '../src/application/dispatch-due-slips.ts';
import { type AnsweredInquiry, inquireDue, recordAnswers } from '../src/application/inquire-due.ts';
import { type EndedCall, newPublishing } from '../src/application/intents.ts';
import { linesOfRoutes } from '../src/application/lines-of-routes.ts';
import type { Ended, Provider, Store } from '../src/application/ports.ts';
import { recordOutcomes, recoverAbandoned, recoverOwn } from '../src/application/record-outcomes.ts';
import { routing } from '../src/application/routing.ts';
import { Slots } from '../src/application/slots.ts';
import { denied } from '../src/domain/dispatch/spec-support.ts';
import type { Dispatch } from '../src/domain/dispatch/state.ts';
import type { CallOutcome, InquiryOutcome } from '../src/domain/provider/answer.ts';
import { inquiryRequested, recorded, slipRefunded } from './support/events.ts';
import { Harness, providerRules } from './support/harness.ts';

const environment = sharedEnvironment();

const succeeded: CallOutcome = {
  kind: 'answered',
  answer: {
    kind: 'returned',
    outcome: 'succeeded',
    reason: null,
    amount: null,
    providerReference: null,
    providerTime: null,
  },
};

/** No route has a choice. */
const alone = routing({ routes: new Map(), providers: new Map(), isHealthy: () => true, random: () => 0 });

/** A provider whose calls end when the test says so. */
class Puppet implements Provider {
  readonly id = 'acme';
  readonly capabilities = {
    connectTimeoutMs: 50,
    answerTimeoutMs: 50,
    acceptanceDelayMaxMs: 100 as number | null,
    concurrencyMax: 4,
    inquiryConcurrencyMax: 1,
    circuitOpenMs: 1_000,
    throttledMeansNotTaken: false,
    idempotentByReference: false,
    cancelByReference: false,
    visibilityDelayMs: 0,
    pollLadderMs: [],
    recheckLadderMs: [],
    failuresFinal: true,
    words: { acknowledged: [], progressed: [], succeeded: [], failed: [], void: [] },
  };
  readonly calls: { slipId: string; end(outcome: CallOutcome): void }[] = [];
  readonly cancel = null;
  readonly callbackReader = null;
  readonly statements = null;
  readonly probe = null;

  prepare({ slipId }: Dispatch) {
    return { slipId, body: Buffer.from(slipId), digest: slipId };
  }

  released = Promise.resolve();

  send(call: { readonly slipId: string }): Promise<Ended<CallOutcome>> {
    const { released } = this;
    return new Promise((resolve) => {
      this.calls.push({ slipId: call.slipId, end: (outcome) => resolve({ outcome, released }) });
    });
  }

  /** What it says when asked; the last of them again and again. */
  inquiries: InquiryOutcome[] = [denied];

  async inquire(): Promise<Ended<InquiryOutcome>> {
    const outcome = this.inquiries.length > 1 ? this.inquiries.shift()! : this.inquiries[0]!;
    return { outcome, released: this.released };
  }

  async close() {}
}

describe('an instance that dies', () => {
  let gateway: Harness;
  let puppet: Puppet;
  let instance: (owner: string) => DispatcherParts & { ended: EndedCall[] };
  const recorder = () => ({
    store: gateway.store,
    providers: new Map([['acme', puppet]]),
    retryLimits: () => ({ retryInitialMs: 10, retryMaxMs: 10 }),
    random: () => 0.5,
    count: gateway.count,
    routing: alone,
  });

  beforeEach(async () => {
    gateway = await Harness.open(environment().databaseUrl);
    puppet = new Puppet();
    instance = (owner) => {
      const ended: EndedCall[] = [];
      return {
        store: gateway.store,
        log: { watch: () => async () => true },
        publishing: newPublishing(),
        providers: new Map([['acme', puppet]]),
        slots: new Slots(new Map([['acme', 4]]), (error) => gateway.errors.push(error)),
        owner,
        monotonicMs: () => performance.now(),
        clockTrouble: () => null,
        record: async (call) => {
          ended.push(call);
        },
        onFree: () => {},
        ended,
      };
    };
  });

  let cleanUp = () => {};
  afterEach(async () => {
    cleanUp();
    await gateway.stop();
  });

  test('in the middle of a call: the attempt is unanswered, and nobody sends the slip again', async () => {
    const slip = await gateway.slip();
    puppet.capabilities.answerTimeoutMs = 60_000;
    await dispatchDueSlips(instance('dead'));
    expect(await recoverAbandoned(recorder())).toBe(0);
    await gateway.unitOfWork.query('update dispatch set lease_until = clock_timestamp()');
    expect(await recoverAbandoned(recorder())).toBe(1);
    expect(await gateway.types(slip)).toEqual(['DispatchIntended', 'DispatchUnanswered']);
    expect(await gateway.event(slip, 'DispatchUnanswered')).toMatchObject({
      reason: 'not_recorded',
      attempt: 1,
    });
    expect(await dispatchDueSlips(instance('two'))).toBe(0);
    expect(puppet.calls).toHaveLength(1);
    expect(gateway.counted.get('abandoned_attempt')).toBe(1);
  });

  test('at a provider that broke its promise leaves no question that could prove anything', async () => {
    const broken = { off: true, reason: 'it has what it denied', actor: 'provider-gateway' };
    await gateway.store.run((tx) => tx.proofSwitches.set('acme', broken));
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('one'));
    await gateway.unitOfWork.query('update dispatch set lease_until = clock_timestamp()');
    expect(await recoverAbandoned(recorder())).toBe(1);
    expect(await gateway.types(slip)).toEqual(['DispatchIntended', 'DispatchUnanswered']);
    expect(await gateway.unitOfWork.query('select * from inquiry')).toEqual([]);
  });

  test('and starts again under its name: what it had in flight is asked about, before anything is sent', async () => {
    const slip = await gateway.slip();
    puppet.capabilities.answerTimeoutMs = 60_000;
    await dispatchDueSlips(instance('one'));
    await recoverOwn(recorder(), 'another');
    expect(await gateway.types(slip)).toEqual(['DispatchIntended']);
    await recoverOwn(recorder(), 'one');
    expect(await gateway.event(slip, 'DispatchUnanswered')).toMatchObject({ reason: 'restart', attempt: 1 });
    // Should the one before be alive against all rules: nothing is sent twice, and what it heard counts.
    expect(await dispatchDueSlips(instance('one'))).toBe(0);
    await recordOutcomes(recorder(), [{ slipId: slip, attempt: 1, outcome: succeeded }]);
    expect(await gateway.types(slip)).toEqual(['DispatchIntended', 'DispatchUnanswered', 'SlipReturned']);
    expect(puppet.calls).toHaveLength(1);
  });

  test('between the intent and its commit: nothing was intended, and another instance sends', async () => {
    const slip = await gateway.slip();
    const dead = instance('dead');
    const run: Store['run'] = (work) =>
      dead.store.run(async (tx) => {
        await work(tx);
        throw new Error('killed');
      });
    const failing: DispatcherParts = { ...dead, store: { run } };
    await expect(dispatchDueSlips(failing)).rejects.toThrow('killed');
    expect(puppet.calls).toEqual([]);
    expect(await gateway.types(slip)).toEqual([]);
    expect(await dispatchDueSlips(instance('two'))).toBe(1);
    expect(await gateway.types(slip)).toEqual(['DispatchIntended']);
  });

  test('and comes back: its answer is evidence, its "not sent" is not believed', async () => {
    const [answered, denied] = [await gateway.slip(), await gateway.slip()];
    const zombie = instance('zombie');
    await dispatchDueSlips(zombie);
    await waitFor(async () => (await recoverAbandoned(recorder())) > 0, {
      what: 'recovery',
    });
    const end = (slip: string, outcome: CallOutcome) =>
      recordOutcomes(recorder(), [{ slipId: slip, attempt: 1, outcome }]);
    await end(denied, { kind: 'not_sent', reason: 'connection_refused', detail: '' });
    await end(answered, succeeded);
    await end(answered, succeeded);
    expect(await gateway.types(denied)).toEqual(['DispatchIntended', 'DispatchUnanswered']);
    expect(await gateway.types(answered)).toEqual(['DispatchIntended', 'DispatchUnanswered', 'SlipReturned']);
    expect(await gateway.row(denied)).toMatchObject({ status: 'unanswered', sent_maybe: true });
  });

  test('an inquiry waits for an attempt in flight, and a question asked twice is answered once', async () => {
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('one'));
    const leaseUntil = (await gateway.row(slip)).lease_until as string;
    await gateway.feed(recorded(slip, inquiryRequested(1)));
    await gateway.startWorkers([]);
    const due = async () =>
      (
        await gateway.unitOfWork.query<{ due_at: string }>('select due_at from inquiry where slip_id = $1', [
          slip,
        ])
      )[0]?.due_at ?? '';
    await waitFor(async () => (await due()) >= leaseUntil, {
      what: 'the inquiry to be put off',
    });
    expect(await gateway.types(slip)).toEqual(['DispatchIntended']);
    const claimed = { slipId: slip, n: 1, provider: 'acme', askedAt: instantFromMs(Date.now()) };
    const answer = { inquiry: claimed, outcome: denied };
    await recordAnswers(recorder(), [answer, answer]);
    await recordAnswers(recorder(), [answer]);
    const answers = (await gateway.types(slip)).filter((type) => type === 'InquiryAnswered');
    expect(answers).toHaveLength(1);
  });

  test('what a NOT_FOUND speaks against is what the intent said, whatever would be sent now', async () => {
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('one'));
    const { digest } = await gateway.event(slip, 'DispatchIntended');
    puppet.prepare = ({ slipId }) => ({ slipId, body: Buffer.from('other'), digest: 'other' });
    await recordOutcomes(recorder(), [
      { slipId: slip, attempt: 1, outcome: { kind: 'unanswered', reason: 'timeout', detail: '' } },
    ]);
    const askedAt = instantFromMs(Date.now() + 60_000);
    await recordAnswers(recorder(), [
      { inquiry: { slipId: slip, n: 0, provider: 'acme', askedAt }, outcome: denied },
    ]);
    const kept = await gateway.unitOfWork.query("select kept->>'digest' as digest from denial");
    expect(kept).toEqual([{ digest }]);
  });

  test('nor is it what an earlier attempt was to send, where a release that keeps no digest made the later one', async () => {
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('one'));
    const { digest } = await gateway.event(slip, 'DispatchIntended');
    const digestNow = () =>
      gateway.store.run(async (tx) => (await tx.dispatches.lock([slip])).rows.get(slip)!.digest);
    expect(await digestNow()).toBe(digest);
    await gateway.unitOfWork.query('update dispatch set attempt = attempt + 1 where slip_id = $1', [slip]);
    expect(await digestNow()).toBeNull();
  });

  test('an own question that nobody answered is put again, without the reconciler', async () => {
    const silent = { kind: 'no_answer', detail: 'ECONNREFUSED' } as const;
    puppet.inquiries = [silent, silent, succeeded];
    const slip = await gateway.slip();
    const parts = instance('one');
    await dispatchDueSlips(parts);
    await recordOutcomes(recorder(), [
      { slipId: slip, attempt: 1, outcome: { kind: 'unanswered', reason: 'connection_lost', detail: '' } },
    ]);
    const record = (answered: AnsweredInquiry) => recordAnswers(recorder(), [answered]);
    await waitFor(
      async () => {
        await inquireDue({ ...parts, record, routing: alone });
        return (await gateway.types(slip)).includes('SlipReturned');
      },
      { what: 'the answer' },
    );
    expect(await gateway.types(slip)).toEqual(['DispatchIntended', 'DispatchUnanswered', 'SlipReturned']);
    expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ evidence: 'inquiry_answer' });
  });

  test('the reconciler’s questions are claimed before this service’s own, whenever those came due', async () => {
    const [own, asked] = [await gateway.slip(), await gateway.slip()];
    const [old, young] = [instantFromMs(Date.now() - 9_000), instantFromMs(Date.now() - 5_000)];
    await gateway.store.run(async (tx) => {
      await tx.inquiries.add([
        { slipId: own, n: 0, provider: 'acme', dueAt: old },
        { slipId: asked, n: 1, provider: 'acme', dueAt: young },
      ]);
      const claim = () => tx.inquiries.claimDue(new Map([['acme', 1]]), new Map([['acme', 60_000]]));
      expect((await claim()).due).toMatchObject([{ slipId: asked, n: 1 }]);
      expect((await claim()).due).toMatchObject([{ slipId: own, n: 0 }]);
      expect((await claim()).due).toEqual([]);
    });
  });

  test('a question that was being asked when the process died is answered, though its provider is configured no more', async () => {
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('dead'));
    await recordOutcomes(recorder(), [
      { slipId: slip, attempt: 1, outcome: { kind: 'unanswered', reason: 'timeout', detail: '' } },
    ]);
    await gateway.feed(recorded(slip, inquiryRequested(1)));
    const claimed = await gateway.store.run((tx) =>
      tx.inquiries.claimDue(new Map([['acme', 4]]), new Map([['acme', 1]])),
    );
    // On a busy machine the gateway's own question is due by now as well.
    expect(claimed.due).toContainEqual(expect.objectContaining({ slipId: slip, n: 1 }));
    await gateway.startWorkers([]);
    const answer = () =>
      gateway
        .published(slip)
        .then((events) => events.find(({ type, data }) => type === 'InquiryAnswered' && data.inquiry === 1));
    expect(await waitFor(answer, { what: 'the answer to inquiry 1' })).toMatchObject({
      data: { answer: 'no_answer' },
    });
  });

  test('a call that was given up is recorded at once and keeps its slot until its request is gone', async () => {
    const gone = Promise.withResolvers<void>();
    puppet.released = gone.promise;
    await gateway.slip();
    const one = instance('one');
    await dispatchDueSlips(one);
    puppet.calls[0]!.end({ kind: 'not_sent', reason: 'connect_timeout', detail: '' });
    await waitFor(() => one.ended.length === 1, { what: 'the end to be recorded' });
    expect(one.slots.taken('acme')).toBe(1);
    gone.resolve();
    await waitFor(() => one.slots.taken('acme') === 0, { what: 'the slot to be free' });
  });

  test('draining stops both kinds of calls at once, and waits for neither without end', async () => {
    const requests: string[] = [];
    const silent = createServer(({ method }) => requests.push(method!)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanUp = () => {
      silent.closeAllConnections();
      silent.close();
    };
    const { port } = silent.address() as AddressInfo;
    const rules = providerRules(`http://127.0.0.1:${port}`, {
      answerTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
    });
    const asked = await gateway.slip();
    // No question of this service's own beside the reconciler's.
    puppet.capabilities.acceptanceDelayMaxMs = null;
    await dispatchDueSlips(instance('one'));
    await recordOutcomes(recorder(), [
      { slipId: asked, attempt: 1, outcome: { kind: 'unanswered', reason: 'timeout', detail: '' } },
    ]);
    await gateway.feed(recorded(asked, inquiryRequested(1)));
    const sent = await gateway.slip();
    const { parts } = await gateway.startWorkers([rules]);
    await waitFor(() => requests.length === 2, { what: 'both calls' });
    // Neither call is ever answered.
    await parts.find(({ name }) => name === 'callers')!.drain!();
    const late = await gateway.slip();
    await gateway.feed(recorded(asked, inquiryRequested(2)));
    await parts.find(({ name }) => name === 'recovery of abandoned attempts')!.drain!();
    expect(requests.toSorted()).toEqual(['GET', 'POST']);
    expect(await gateway.types(sent)).toEqual(['DispatchIntended']);
    expect(await gateway.types(late)).toEqual([]);
  });

  test('the slips whose deadlines are nearest go first, whatever came before them', async () => {
    const slips: string[] = [];
    for (const deadlineMs of [90_000, 60_000, 80_000, 50_000, 70_000, 100_000])
      slips.push(await gateway.slip({ deadlineMs }));
    expect(await dispatchDueSlips(instance('one'))).toBe(4);
    const intended = await gateway.unitOfWork.query<{ slip_id: string }>(
      "select slip_id from dispatch where status = 'intended' order by deadline",
    );
    expect(intended.map(({ slip_id }) => slips.indexOf(slip_id))).toEqual([3, 1, 4, 2]);
  });

  test('those that find no room stand in line, which is told by their route until it is over', async () => {
    const one = instance('one');
    const lines = () => linesOfRoutes({ store: gateway.store, dispatchSlots: one.slots });
    for (let i = 0; i < 5; i++) await gateway.slip();
    expect(await lines()).toEqual([]);
    expect(await dispatchDueSlips(one)).toBe(4);
    await gateway.unitOfWork.query(
      "update dispatch set next_at = next_at - interval '2 seconds' where status = 'held'",
    );
    const [line, ...others] = await lines();
    expect([line?.route, others]).toEqual(['default', []]);
    expect(line!.waitMs).toBeGreaterThanOrEqual(2_000);
    puppet.calls[0]!.end(succeeded);
    await waitFor(() => one.slots.taken('acme') === 3, { what: 'room for one more' });
    expect(await dispatchDueSlips(one)).toBe(1);
    expect(await lines()).toEqual([]);
  });

  test.each([
    ['two instances', 'two'],
    ['two processes of one name', 'one'],
  ])('%s that claim at the same time never get the same slip', async (_, second) => {
    const slips = await Promise.all(Array.from({ length: 8 }, () => gateway.slip()));
    const instances = [instance('one'), instance(second)];
    const counts = await Promise.all(instances.map(dispatchDueSlips));
    expect(counts.reduce((a, b) => a + b)).toBe(8);
    expect(new Set(puppet.calls.map((call) => call.slipId))).toEqual(new Set(slips));
    for (const slip of slips) expect(await gateway.types(slip)).toEqual(['DispatchIntended']);
  });

  test('a refund ends further attempts, and a late success is still told', async () => {
    const slip = await gateway.slip();
    await dispatchDueSlips(instance('one'));
    await gateway.feed(recorded(slip, slipRefunded));
    await recordOutcomes(recorder(), [
      { slipId: slip, attempt: 1, outcome: { kind: 'not_sent', reason: 'connect_timeout', detail: '' } },
    ]);
    expect(await gateway.row(slip)).toMatchObject({ status: 'held', next_at: null });
    await recordOutcomes(recorder(), [{ slipId: slip, attempt: 1, outcome: succeeded }]);
    expect((await gateway.types(slip)).at(-1)).toBe('SlipReturned');
  });
});

describe('a database that is away', () => {
  let gateway: Harness;
  let server: Server;
  beforeEach(async () => {
    gateway = await Harness.open(environment().databaseUrl);
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await gateway.stop();
  });

  test('costs no answer that was read: it is kept, nothing more is sent, and nobody takes it for abandoned', async () => {
    const answers: (() => void)[] = [];
    server = createServer((_, response) => {
      answers.push(() => response.end(JSON.stringify({ status: 'succeeded' })));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const slips = await Promise.all(Array.from({ length: 4 }, () => gateway.slip()));
    const { parts } = await gateway.startWorkers([
      providerRules(`http://127.0.0.1:${port}`, { answerTimeoutMs: 8_000 }),
    ]);
    await waitFor(() => answers.length === 4, { what: 'four calls' });
    const waiting = await gateway.slip({ deadlineMs: 60_000 });
    const sentBefore = answers.length;
    await gateway.unitOfWork.query('alter table dispatch rename to dispatch_away');
    const rename = 'alter table dispatch_away rename to dispatch';
    try {
      for (const answer of answers) answer();
      const failedWrites = () =>
        gateway.errors.filter((error) => (error as { code?: string }).code === '42P01');
      // By then the next try is later than the next look for abandoned attempts.
      await waitFor(() => failedWrites().length >= 24, { what: 'failed writes' });
      await gateway.unitOfWork.query(`update dispatch_away set lease_until = clock_timestamp()`);
    } finally {
      await gateway.unitOfWork.query(rename);
    }
    for (const slip of slips) {
      await gateway.event(slip, 'SlipReturned');
      // A call that provably never left, on a busy machine, was made again before all this.
      const types = (await gateway.types(slip)).join(' ');
      expect(types).toMatch(/^(DispatchIntended DispatchNotSent )*DispatchIntended SlipReturned$/);
    }
    expect(answers.length - sentBefore).toBeLessThanOrEqual(1);
    await gateway.event(waiting, 'DispatchIntended');
    expect(gateway.counted.get('abandoned_attempt')).toBeUndefined();
    for (const part of parts) await part.drain?.();
  });
});
