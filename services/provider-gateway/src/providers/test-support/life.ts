import type { Socket } from 'node:net';
import { addMs } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import type { Provider } from '../../application/ports.ts';
import { endAttempt, intend } from '../../domain/dispatch/attempt.ts';
import { hear } from '../../domain/dispatch/earlier.ts';
import { followEvent } from '../../domain/dispatch/follow-event.ts';
import { dispatch, t0 } from '../../domain/dispatch/spec-support.ts';
import type { Dispatch, Step } from '../../domain/dispatch/state.ts';
import { answerInquiry, planInquiry } from '../../domain/inquiry/inquiry.ts';
import { brokenBy } from '../../domain/proof/promise.ts';
import { type ProtocolUnderTest, patientMs, type Saying, says, Wire } from '../spec-support.ts';

const acceptanceDelayMaxMs = 1_000;
/** Nothing is sent later than this after the start. */
const startMs = 500;
/** The first moment at which a NOT_FOUND counts, and the first at which another one proves. */
export const counts = startMs + acceptanceDelayMaxMs + 1;
export const proves = counts + 2_000;

/**
 * For specs: one slip with one provider, as the gateway's decisions lead it, over real HTTP in the protocol under test. What the
 * provider does with the next request is said before it; times are milliseconds after the start, and nobody waits for them.
 */
export class Life {
  readonly under: ProtocolUnderTest;
  readonly events: SlipEvent[] = [];
  dispatch: Dispatch = dispatch({ nextAt: t0, deadline: addMs(t0, 20_000) });
  /** Whether it spoke of what it had denied. */
  promiseBroken = false;
  readonly #wire: Wire;
  readonly #provider: Provider;
  #next: (socket: Socket) => void = () => {};

  private constructor(under: ProtocolUnderTest, wire: Wire) {
    this.under = under;
    this.#wire = wire;
    this.#provider = wire.provider(under, { answerTimeoutMs: patientMs });
  }

  static async begin(under: ProtocolUnderTest): Promise<Life> {
    const wire: Wire = await Wire.listen((socket) => life.#next(socket));
    const life = new Life(under, wire);
    return life;
  }

  get slipId(): string {
    return this.dispatch.slipId;
  }

  /** How often the slip was submitted to the provider. */
  get calls(): number {
    return this.#wire.requests.filter((one) => one.startsWith('POST')).length;
  }

  /** What is known of it in the end. */
  get end(): string {
    const { outcome, lateSuccess } = this.dispatch;
    if (outcome !== null)
      return lateSuccess && !this.dispatch.refunded ? `${outcome}, then success` : outcome;
    const proved = this.events.some((one) => one.type === 'InquiryAnswered' && one.data.provesNotExecuted);
    return proved ? 'not executed' : 'unknown';
  }

  /** The types of what was published, without the answers to questions. */
  get told(): string[] {
    return this.events.map(({ type }) => type).filter((type) => type !== 'InquiryAnswered');
  }

  /** Nobody listens there. */
  async away(): Promise<void> {
    await this.#wire.stopListening();
  }

  /** The intent of the call is written; its call is under way. */
  intend(): void {
    const limits = { connectTimeoutMs: startMs, answerTimeoutMs: patientMs, acceptanceDelayMaxMs };
    const { dispatch: before } = this;
    this.dispatch = { ...intend(before, t0, startMs, limits, 'one'), digest: 'digest' };
  }

  /** The call, with what the provider does about it. */
  async call(does: Saying | ((socket: Socket) => void)): Promise<void> {
    if (this.dispatch.status === 'held') this.intend();
    this.#next = typeof does === 'function' ? does : says(this.under.reply(this.slipId, does));
    const call = this.#provider.prepare(this.dispatch);
    const { outcome } = await this.#provider.send(call, performance.now() + patientMs);
    const { attempt } = this.dispatch;
    const terms = { retryDelayMs: 0, askedAboutAfterMs: acceptanceDelayMaxMs, idempotentByReference: false };
    this.#take(endAttempt(this.dispatch, { attempt, outcome, now: addMs(t0, startMs), ...terms }));
  }

  /** A question at this time, as the reconciler puts it. */
  async ask(atMs: number, does: Saying | 'not_found' | ((socket: Socket) => void)): Promise<void> {
    const now = addMs(t0, atMs);
    const inquiry = { slipId: this.slipId, n: 1, provider: 'acme' };
    const plan = planInquiry(this.dispatch, inquiry, now, true);
    if (plan.plan === 'answer') return this.#take(plan.step);
    this.#next = typeof does === 'function' ? does : says(this.under.inquiryReply(this.slipId, does));
    const { outcome } = await this.#provider.inquire(this.slipId);
    const asked = {
      askedAt: now,
      now,
      outcome,
      acceptanceDelayMaxMs,
      cancelByReference: false,
      next: () => null,
    };
    this.#take(answerInquiry(this.dispatch, inquiry, asked));
  }

  /** A callback at this time, signed by its provider; forged: by somebody else. */
  callBack(atMs: number, saying: Saying, secret = this.under.secrets.current): void {
    const { body, headers } = this.under.callbacks!.signed('msg', this.slipId, saying, secret);
    const { message } = this.#provider.callbackReader!.read(body, headers);
    if (!('answer' in message)) throw new Error(message.problem);
    const { answer } = message;
    const receipt = { answer, evidence: 'signed_callback', receivedAt: null, now: addMs(t0, atMs) } as const;
    this.#take(hear(this.dispatch, 'acme', receipt));
  }

  /** The ledger gave the money back. */
  refund(): void {
    const refunded = { type: 'SlipRefunded', data: { transaction: null, reason: 'not_executed' } } as const;
    this.#take(followEvent(this.dispatch, refunded, t0));
  }

  async close(): Promise<void> {
    await this.#wire.close();
  }

  #take({ dispatch: after, events }: Step): void {
    if (brokenBy(this.dispatch, events) !== null) this.promiseBroken = true;
    this.dispatch = after;
    this.events.push(...events.map(({ event }) => event));
  }
}
