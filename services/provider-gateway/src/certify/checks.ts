import type { Money } from '@slipstream/kernel';
import type { Provider } from '../application/ports.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { CallOutcome, InquiryOutcome, ProviderAnswer } from '../domain/provider/answer.ts';
import type { HeardCallback } from './callback-listener.ts';

/** `lacks`: it cannot, and declares nothing else; `not_shown`: the sandbox gave no occasion to see it. */
export type Verdict = 'kept' | 'broken' | 'lacks' | 'not_shown';

/** One thing that the gateway relies on, and whether the sandbox keeps it. */
export interface Check {
  readonly check: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

/** What the sandbox was seen to do: times are the longest that were seen, in milliseconds; null: nothing was. */
export interface Capabilities {
  readonly denies_in_words: boolean;
  readonly visibility_delay_ms: number | null;
  /** From a call whose answer nobody waited for to the inquiry that knew of it. */
  readonly acceptance_delay_ms: number | null;
  readonly outcome_delay_ms: number | null;
  readonly idempotent_by_reference: boolean | null;
  readonly exact_amounts: boolean | null;
  readonly callback_delay_ms: number | null;
  readonly callbacks_signed: boolean | null;
  readonly callbacks_repeated: boolean | null;
}

/** A sandbox and what it takes to ask it. */
export interface Sandbox {
  readonly provider: Provider;
  /** null: nobody listens to callbacks. */
  readonly heard: readonly HeardCallback[] | null;
  /** A new order, about nothing that was asked before. */
  order(amount: Money): Dispatch;
  /** Whether it is an order of this run: whoever finds the listener can send it anything. */
  isOrdered(slipId: string): boolean;
  /** Makes the calls within it be cut off behind the request. */
  cutOff<T>(work: () => Promise<T>): Promise<T>;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  readonly waitMsMax: number;
  /** What its rules would declare; null: nothing. */
  readonly acceptanceDelayMaxMs: number | null;
  readonly idempotentByReference: boolean;
  readonly currency: string;
}

/** How many {@link certify} makes. */
export const checksCount = 10;
const pollMs = 50;
const cutOffCalls = 3;
/** Beyond what a double holds exactly. */
const largeAmount = 9_007_199_254_740_993n;

/** Asks the sandbox all that the gateway's money rests on, one after the other. */
export async function certify(
  sandbox: Sandbox,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly checks: readonly Check[]; readonly capabilities: Capabilities }> {
  const checks: Check[] = [];
  const note = (check: string, verdict: Verdict, detail: string) => {
    checks.push({ check, verdict, detail });
    onProgress(checks.length, checksCount);
  };
  const { provider } = sandbox;

  const nobody = sandbox.order({ amount: 1n, currency: sandbox.currency });
  const denied = await inquire(provider, nobody.slipId);
  const denies = denied.kind === 'not_found';
  note('denies in words what it does not have', denies ? 'kept' : 'broken', inWords(denied));

  const order = sandbox.order({ amount: 1250n, currency: sandbox.currency });
  const sentMs = sandbox.nowMs();
  const first = await send(sandbox, order);
  note('answers a call', first.kind === 'answered' ? 'kept' : 'broken', callInWords(first));

  const visibility = await untilKnown(sandbox, order.slipId);
  note(
    'knows of an order that it took',
    visibility === null ? 'broken' : 'kept',
    visibility === null ? `not known within ${sandbox.waitMsMax} ms` : `known after ${visibility} ms`,
  );

  const end = await untilEnd(sandbox, order.slipId);
  note('says in its declared words how an order ends', end.answer === null ? 'broken' : 'kept', end.detail);
  const told = end.answer?.outcome === 'succeeded' ? end.answer.amount : null;
  note(
    'tells the amount that it moved',
    told === null ? 'not_shown' : sameMoney(told, order.amount) ? 'kept' : 'broken',
    told === null ? 'no success named an amount' : `${order.amount!.amount} was ordered, ${told.amount} told`,
  );

  const exact = await exactAmount(sandbox);
  note('keeps amounts exact', exact.verdict, exact.detail);
  const repeat = await repeated(sandbox, order, first);
  note('takes the same call again for the same order', repeat.verdict, repeat.detail);
  const changed = await repeatedWithAnotherAmount(sandbox, order, end.answer);
  note('does not change an order that it took', changed.verdict, changed.detail);
  const cut = await cutOff(sandbox);
  note('decides about a call that is cut off as soon as it declares', cut.verdict, cut.detail);
  const callbacks = await calledBack(sandbox, { slipId: order.slipId, sentMs, first });
  note('signs its callbacks', callbacks.verdict, callbacks.detail);

  const capabilities: Capabilities = {
    denies_in_words: denies,
    visibility_delay_ms: visibility,
    acceptance_delay_ms: cut.delayMs,
    outcome_delay_ms: end.delayMs,
    idempotent_by_reference: repeat.verdict === 'not_shown' ? null : repeat.verdict === 'kept',
    exact_amounts: exact.verdict === 'not_shown' ? null : exact.verdict === 'kept',
    callback_delay_ms: callbacks.delayMs,
    callbacks_signed: callbacks.verdict === 'not_shown' ? null : callbacks.verdict === 'kept',
    callbacks_repeated: callbacks.isRepeated,
  };
  return { checks, capabilities };
}

type Returned = Extract<ProviderAnswer, { kind: 'returned' }>;
interface Seen {
  readonly verdict: Verdict;
  readonly detail: string;
}

async function send(sandbox: Sandbox, order: Dispatch): Promise<CallOutcome> {
  const { provider, waitMsMax } = sandbox;
  return (await provider.send(provider.prepare(order), sandbox.nowMs() + waitMsMax)).outcome;
}

async function inquire(provider: Provider, slipId: string): Promise<InquiryOutcome> {
  return (await provider.inquire(slipId)).outcome;
}

/** How long it took until an inquiry knew of it; null: longer than is waited for. */
async function untilKnown(
  sandbox: Sandbox,
  slipId: string,
  waitMs = sandbox.waitMsMax,
): Promise<number | null> {
  const began = sandbox.nowMs();
  for (;;) {
    const { kind } = await inquire(sandbox.provider, slipId);
    const tookMs = Math.round(sandbox.nowMs() - began);
    if (kind === 'answered') return tookMs;
    if (tookMs >= waitMs) return null;
    await sandbox.sleep(pollMs);
  }
}

async function untilEnd(
  sandbox: Sandbox,
  slipId: string,
): Promise<{ readonly answer: Returned | null; readonly delayMs: number | null; readonly detail: string }> {
  const began = sandbox.nowMs();
  for (;;) {
    const outcome = await inquire(sandbox.provider, slipId);
    const delayMs = Math.round(sandbox.nowMs() - began);
    if (outcome.kind === 'answered' && outcome.answer.kind === 'returned') {
      return { answer: outcome.answer, delayMs, detail: `${outcome.answer.outcome} after ${delayMs} ms` };
    }
    if (delayMs >= sandbox.waitMsMax) {
      const last = inWords(outcome);
      return { answer: null, delayMs: null, detail: `no end within ${sandbox.waitMsMax} ms; last: ${last}` };
    }
    await sandbox.sleep(pollMs);
  }
}

async function exactAmount(sandbox: Sandbox): Promise<Seen> {
  const amount = { amount: largeAmount, currency: sandbox.currency };
  const order = sandbox.order(amount);
  await send(sandbox, order);
  const { answer } = await untilEnd(sandbox, order.slipId);
  if (answer?.outcome !== 'succeeded' || answer.amount === null) {
    return { verdict: 'not_shown', detail: `an order of ${largeAmount} did not succeed with an amount` };
  }
  const verdict = sameMoney(answer.amount, amount) ? 'kept' : 'broken';
  return { verdict, detail: `${largeAmount} was ordered, ${answer.amount.amount} told` };
}

async function repeated(sandbox: Sandbox, order: Dispatch, first: CallOutcome): Promise<Seen> {
  const again = await send(sandbox, order);
  const [one, other] = [referenceOf(first), referenceOf(again)];
  if (again.kind !== 'answered') return { verdict: 'broken', detail: `the repeat: ${callInWords(again)}` };
  if (one === null || other === null) {
    return { verdict: 'not_shown', detail: 'its answers name no reference of its own' };
  }
  if (one === other) return { verdict: 'kept', detail: `twice ${one}` };
  const verdict = sandbox.idempotentByReference ? 'broken' : 'lacks';
  return { verdict, detail: `${one}, then ${other}: two orders` };
}

async function repeatedWithAnotherAmount(
  sandbox: Sandbox,
  order: Dispatch,
  end: Returned | null,
): Promise<Seen> {
  if (end?.amount == null) return { verdict: 'not_shown', detail: 'the order has no end with an amount' };
  const said = await send(sandbox, { ...order, amount: { amount: 99n, currency: sandbox.currency } });
  const { answer } = await untilEnd(sandbox, order.slipId);
  const now = answer?.amount ?? null;
  const isSame = now !== null && sameMoney(now, end.amount);
  const detail = `${end.amount.amount} before, ${now === null ? 'nothing' : now.amount} after; the call: ${callInWords(said)}`;
  return { verdict: isSame ? 'kept' : 'broken', detail };
}

/** Calls whose answers nobody waits for: what became of them is known late, or never. */
async function cutOff(sandbox: Sandbox): Promise<Seen & { readonly delayMs: number | null }> {
  const bound = sandbox.acceptanceDelayMaxMs;
  const delays: (number | null)[] = [];
  for (let n = 0; n < cutOffCalls; n++) {
    const order = sandbox.order({ amount: 100n, currency: sandbox.currency });
    const outcome = await sandbox.cutOff(() => send(sandbox, order));
    if (outcome.kind === 'answered') continue;
    delays.push(
      await untilKnown(sandbox, order.slipId, bound === null ? sandbox.waitMsMax : bound + graceMs),
    );
  }
  const known = delays.filter((delay) => delay !== null);
  const delayMs = known.length === 0 ? null : Math.max(...known);
  const count = `${known.length} of ${delays.length} were taken`;
  if (delayMs === null || bound === null) {
    const declared = bound === null ? 'it declares no bound' : 'none shows how late';
    return {
      verdict: 'not_shown',
      delayMs,
      detail: `${count}, at the latest after ${delayMs ?? '-'} ms; ${declared}`,
    };
  }
  const detail = `${count}, at the latest after ${delayMs} ms; it declares ${bound} ms`;
  return { verdict: delayMs <= bound + graceMs ? 'kept' : 'broken', delayMs, detail };
}

/** What the asking itself may take. */
const graceMs = 1_000;

async function calledBack(
  sandbox: Sandbox,
  {
    slipId,
    sentMs,
    first,
  }: { readonly slipId: string; readonly sentMs: number; readonly first: CallOutcome },
): Promise<Seen & { readonly delayMs: number | null; readonly isRepeated: boolean | null }> {
  const none = { delayMs: null, isRepeated: null };
  if (sandbox.heard === null) return { verdict: 'not_shown', detail: 'nobody listened', ...none };
  const isEnded = first.kind === 'answered' && first.answer.kind === 'returned';
  const until = sandbox.nowMs() + (isEnded ? graceMs : sandbox.waitMsMax);
  const heard = () =>
    sandbox.heard?.filter((one) => one.slipId !== null && sandbox.isOrdered(one.slipId)) ?? [];
  const ofOrder = () => heard().filter((one) => one.slipId === slipId);
  while (ofOrder().length === 0 && sandbox.nowMs() < until) await sandbox.sleep(pollMs);
  const ours = heard();
  const unsigned = ours.find(({ problem }) => problem !== null);
  if (unsigned) return { verdict: 'broken', detail: unsigned.problem!, ...none };
  const [call] = ofOrder();
  const strays = sandbox.heard.length - ours.length;
  const beside = strays === 0 ? '' : `; ${strays} requests about no order of this run came, too`;
  if (!call)
    return { verdict: 'not_shown', detail: `no callback came about the first order${beside}`, ...none };
  const ids = ours.map(({ webhookId }) => webhookId);
  const isRepeated = new Set(ids).size < ids.length;
  const repeats = isRepeated ? ', some of them twice' : '';
  const delayMs = Math.round(call.atMs - sentMs);
  return { verdict: 'kept', detail: `${ours.length} callbacks${repeats}${beside}`, delayMs, isRepeated };
}

function referenceOf(outcome: CallOutcome): string | null {
  return outcome.kind === 'answered' ? outcome.answer.providerReference : null;
}

function sameMoney(a: Money, b: Money | null): boolean {
  return b !== null && a.amount === b.amount && a.currency === b.currency;
}

function callInWords(outcome: CallOutcome): string {
  return outcome.kind === 'answered' ? answerInWords(outcome.answer) : `${outcome.reason}: ${outcome.detail}`;
}

function inWords(outcome: InquiryOutcome): string {
  if (outcome.kind === 'answered') return answerInWords(outcome.answer);
  return outcome.kind === 'not_found' ? 'NOT_FOUND' : outcome.detail;
}

function answerInWords(answer: ProviderAnswer): string {
  if (answer.kind === 'returned') return answer.outcome;
  if (answer.kind === 'doubtful') return `${answer.doubt}: ${answer.said}`;
  return answer.kind === 'progressed' ? answer.step : 'acknowledged';
}
