import { type Instant, must } from '@slipstream/kernel';
import { providerHasSpoken, type RefusedCallbacks } from '@slipstream/slip';
import type { Dispatch } from '../domain/dispatch/state.ts';
import {
  type Answered,
  type Asked,
  answerInquiry,
  askAgainAt,
  isToBeCancelled,
  planInquiry,
  pollNumber,
  type Said,
  saidBy,
} from '../domain/inquiry/inquiry.ts';
import { notFoundCountsAfterMs, polled } from '../domain/inquiry/poll.ts';
import { type AttemptDenials, asKept, isProved, keep, keepCancelled } from '../domain/proof/denials.ts';
import { nextRecheck } from '../domain/proof/promise.ts';
import type { InquiryOutcome } from '../domain/provider/answer.ts';
import { asItCounts } from '../domain/provider/finality.ts';
import { Changes, countOdd } from './apply.ts';
import { cancelDenied } from './cancel-denied.ts';
import type { AskedFor, Capabilities, ClaimedInquiry, Count, Providers, Store, StoreTx } from './ports.ts';
import { asTrusted, capabilitiesOf } from './record-outcomes.ts';
import type { Routing } from './routing.ts';
import type { Slots } from './slots.ts';
import { calledAt } from './tell-refused.ts';

/** Beyond the call's own limits: for the commit of its answer. */
const leaseMarginMs = 1_000;

export interface AnsweredInquiry {
  readonly inquiry: ClaimedInquiry;
  readonly outcome: InquiryOutcome;
}

export interface AnswerParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly count: Count;
  readonly routing: Routing;
}

export interface InquirerParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly slots: Slots;
  /** Writes an answer to the store; must not reject. */
  readonly record: (answered: AnsweredInquiry) => Promise<void>;
  /** There is room for what may be due besides. */
  readonly onFree: () => void;
  /** Why the clocks cannot be trusted now: nothing is asked then, for what NOT_FOUND proves rests on them. */
  readonly clockTrouble: () => string | null;
  readonly routing: Routing;
}

/** A question that is to be put now. */
interface Question {
  readonly inquiry: ClaimedInquiry;
  readonly askedFor: AskedFor;
  /** Behind a NOT_FOUND its slip is cancelled. */
  readonly cancels: boolean;
}

const nobody: ReadonlySet<string> = new Set();

/**
 * Asks providers about slips whose inquiry is due. What needs no question is answered in the claiming transaction: a
 * slip that never left is closed for dispatch right there, so the answer stays true.
 * @returns how many inquiries were dealt with
 */
export async function inquireDue(parts: InquirerParts): Promise<number> {
  if (parts.clockTrouble() !== null) return 0;
  return (await inquire(parts)) + (await pollDue(parts));
}

/** How long a question is nobody else's, by provider. */
export function leases(providers: Providers): Map<string, number> {
  return new Map(
    [...providers.values()].map(({ id, capabilities }) => {
      const { connectTimeoutMs, answerTimeoutMs, cancelByReference } = capabilities;
      // Behind the question there may be a cancellation.
      const calls = cancelByReference ? 2 : 1;
      return [id, calls * (connectTimeoutMs + answerTimeoutMs) + leaseMarginMs];
    }),
  );
}

async function inquire(parts: InquirerParts): Promise<number> {
  const { providers } = parts;
  const free = parts.slots.free();
  const { asked, found } = await parts.store.run(async (tx) => {
    const { now, due } = await tx.inquiries.claimDue(free, leases(providers));
    const slipIds = [...new Set(due.map((one) => one.slipId))];
    const locked = slipIds.length > 0 ? await tx.dispatches.lock(slipIds) : null;
    const changes = new Changes(locked?.rows ?? new Map());
    const { distrusted = nobody, disabled = nobody } = locked ?? {};
    const isOpen = (route: string) => parts.routing.open(route, disabled).length > 0;
    const around = { distrusted, isOpen };
    const asked: Question[] = [];
    const answered: (ClaimedInquiry & { readonly said: Said | undefined })[] = [];
    const waiting = new Map<ClaimedInquiry, Instant>();
    for (const inquiry of due) {
      const dispatch = changes.get(inquiry.slipId);
      const known = providers.has(inquiry.provider);
      const plan = dispatch && planInquiry(dispatch, inquiry, now, known, around);
      if (plan?.plan === 'ask') {
        const terms = asTrusted(capabilitiesOf(providers, inquiry), dispatch!, distrusted);
        const cancels = terms?.cancelByReference === true && isToBeCancelled(dispatch!, inquiry, now);
        asked.push({ inquiry, askedFor: askedFor(dispatch!, inquiry), cancels });
        continue;
      }
      if (plan?.plan === 'wait') waiting.set(inquiry, plan.until);
      else answered.push({ ...inquiry, said: plan?.said });
      if (plan?.plan === 'answer') changes.apply(plan.step);
    }
    await tx.inquiries.postpone(waiting);
    await tx.inquiries.markAnswered(answered);
    await changes.write(tx);
    return { asked, found: due.map(({ provider }) => provider) };
  });
  for (const question of asked) {
    parts.slots.run(question.inquiry.provider, () => ask(parts, question), parts.onFree);
  }
  if (parts.slots.looked(free, found)) parts.onFree();
  return found.length;
}

/**
 * Asks by the poll ladder about slips that a provider has and has not decided. Those that others hold are passed over, so
 * this waits for nobody's lock, and needs a transaction of its own for it.
 */
async function pollDue(parts: InquirerParts): Promise<number> {
  const { providers } = parts;
  const free = parts.slots.free();
  if (free.size === 0) return 0;
  const { asked, found } = await parts.store.run(async (tx) => {
    const { now, due } = await tx.dispatches.claimPolls(free, leases(providers));
    const changes = new Changes();
    const asked: Question[] = [];
    for (const dispatch of due) {
      const { slipId, provider } = dispatch;
      const inquiry = { slipId, n: pollNumber, provider: provider ?? '', askedAt: now };
      const { plan } = planInquiry(dispatch, inquiry, now, true);
      if (plan === 'ask') asked.push({ inquiry, askedFor: askedFor(dispatch, inquiry), cancels: false });
      else if (plan === 'answer') changes.add({ ...dispatch, pollAt: null });
    }
    await changes.write(tx);
    return { asked, found: due.map(({ provider }) => provider ?? '') };
  });
  for (const question of asked) {
    parts.slots.run(question.inquiry.provider, () => ask(parts, question), parts.onFree);
  }
  return found.length;
}

function askedFor({ route, traceparent }: Dispatch, { n }: ClaimedInquiry): AskedFor {
  return { n, route, traceparent };
}

async function ask(parts: InquirerParts, { inquiry, askedFor, cancels }: Question): Promise<void> {
  const provider = must(
    parts.providers.get(inquiry.provider),
    `provider ${inquiry.provider} is not configured`,
  );
  const { slipId } = inquiry;
  const asked = await provider.inquire(slipId, askedFor);
  const { outcome, released } = cancels ? await cancelDenied(provider, slipId, askedFor, asked) : asked;
  await parts.record({ inquiry, outcome });
  await released;
}

/**
 * Records what providers answered. A question asked twice is answered once; a final answer is evidence every time. An own
 * question that found no answer stays open for another time.
 */
export async function recordAnswers(parts: AnswerParts, answers: readonly AnsweredInquiry[]): Promise<void> {
  await parts.store.run(async (tx) => {
    const inquiries = answers.map((one) => one.inquiry);
    const slipIds = [...new Set(inquiries.map((one) => one.slipId))];
    const [unanswered, { now, rows, disabled, distrusted }] = await Promise.all([
      tx.inquiries.lockUnanswered(inquiries),
      tx.dispatches.lock(slipIds),
    ]);
    const kept = await keptOf(tx, answers);
    const refused = await refusedBeside(tx, parts.providers, answers, rows);
    const changes = new Changes(rows, now);
    const done = new Set<string>();
    const again = new Map<ClaimedInquiry, Instant>();
    const said = new Map<ClaimedInquiry, Said>();
    for (const { inquiry, outcome: heard } of answers) {
      const dispatch = changes.get(inquiry.slipId);
      if (!dispatch) continue;
      const key = inquiryKey(inquiry);
      const first = unanswered.has(key) && !done.has(key);
      done.add(key);
      // As this service's own question a repeat gives evidence, but no second InquiryAnswered.
      const as = first ? inquiry : { ...inquiry, n: Math.min(inquiry.n, 0) };
      const subject = { ...dispatch, provider: inquiry.provider };
      const declared = capabilitiesOf(parts.providers, inquiry);
      const terms = asTrusted(declared, subject, distrusted);
      const acceptanceDelayMaxMs = terms && notFoundCountsAfterMs(terms);
      if (heard.kind === 'answered')
        changes.heard(inquiry.slipId, inquiry.provider, heard.answer, now, declared);
      const outcome =
        heard.kind === 'answered'
          ? { ...heard, answer: asItCounts(heard.answer, dispatch, now, terms) }
          : heard;
      const next = (one: Dispatch) => parts.routing.choose(one, disabled);
      const cancelByReference = terms?.cancelByReference === true;
      const callbacksRefused = refused.get(inquiry.slipId) ?? null;
      const asked = {
        ...{ askedAt: inquiry.askedAt, now, outcome, acceptanceDelayMaxMs, cancelByReference, next },
        callbacksRefused,
      };
      const before = kept.get(inquiry.slipId)?.find(({ attempt }) => attempt === dispatch.attempt);
      const known = outcome.kind === 'not_found' ? asKept(dispatch, before) : dispatch;
      const step = answerInquiry(withoutPoll(known, inquiry), as, asked);
      changes.apply(polled(step, now, terms));
      const denials = denialsOf(parts.providers, dispatch, before, step, asked);
      if (denials !== null) {
        changes.keep({ slipId: inquiry.slipId, ...denials, recheckAt: recheckOf(denials, now, terms) });
        kept.set(inquiry.slipId, [denials, ...(kept.get(inquiry.slipId) ?? [])]);
      }
      if (outcome.kind === 'not_found' && isVisible(dispatch, inquiry)) {
        changes.observe({ provider: inquiry.provider, kind: 'visibility', from: dispatch.notAfter! });
      }
      const at = first ? askAgainAt(step.dispatch, inquiry, asked) : null;
      if (at !== null) again.set(inquiry, at);
      else said.set(inquiry, saidBy(outcome));
      countOdd(step, parts.count);
    }
    await tx.inquiries.markAnswered(
      inquiries.filter((one) => !again.has(one)).map((one) => ({ ...one, said: said.get(one) })),
    );
    await tx.inquiries.postpone(again);
    await changes.write(tx);
  });
}

/** What was refused of providers that call back, while these slips were waited for. */
async function refusedBeside(
  tx: StoreTx,
  providers: Providers,
  answers: readonly AnsweredInquiry[],
  rows: ReadonlyMap<string, Dispatch>,
): Promise<ReadonlyMap<string, RefusedCallbacks>> {
  const slips = answers.flatMap(({ inquiry: { slipId, provider } }) => {
    const notAfter = rows.get(slipId)?.notAfter ?? null;
    if (notAfter === null || !providers.get(provider)?.callbackReader) return [];
    return [{ slipId, provider, calledAt: calledAt(notAfter) }];
  });
  return slips.length === 0 ? new Map() : tx.callbackCounts.beside(slips);
}

/** Whether the provider has the slip by its own word: it should know of it when it is asked. */
function isVisible(dispatch: Dispatch, { provider }: ClaimedInquiry): boolean {
  return dispatch.provider === provider && dispatch.notAfter !== null && providerHasSpoken(dispatch);
}

/** What is kept of slips that a provider denies now; of others nobody needs to know. */
async function keptOf(
  tx: StoreTx,
  answers: readonly AnsweredInquiry[],
): Promise<Map<string, readonly AttemptDenials[]>> {
  const denied = answers.filter(({ outcome }) => outcome.kind === 'not_found');
  if (denied.length === 0) return new Map();
  const { kept } = await tx.proofs.of([...new Set(denied.map(({ inquiry }) => inquiry.slipId))]);
  return new Map(kept);
}

/** What is to be kept of a NOT_FOUND, with the intent that it speaks against; null: nothing. */
function denialsOf(
  providers: Providers,
  dispatch: Dispatch,
  before: AttemptDenials | undefined,
  { denial }: Answered,
  { outcome, askedAt, now }: Asked,
): AttemptDenials | null {
  const { attempt, notAfter, policy } = dispatch;
  const provider = providers.get(dispatch.provider ?? '');
  if (outcome.kind !== 'not_found' || denial === null || notAfter === null || !provider) return null;
  const { acceptanceDelayMaxMs, visibilityDelayMs } = provider.capabilities;
  if (acceptanceDelayMaxMs === null && denial !== 'cancelled') return null;
  const declared = { acceptanceDelayMaxMs, visibilityDelayMs, quietPeriodMs: policy.quietPeriodMs };
  const intent = {
    attempt,
    provider: provider.id,
    // As the intent said it: what would be sent now may be other bytes. An older release did not keep it.
    digest: dispatch.digest ?? provider.prepare(dispatch).digest,
    notAfter,
    declared,
  };
  const asked = { askedAt, receivedAt: now };
  const notFound = { ...outcome.raw, ...asked };
  if (denial === 'cancelled' && outcome.cancelled)
    return keepCancelled(intent, before, notFound, { ...outcome.cancelled, ...asked });
  return keep(intent, before, notFound, denial === 'proves');
}

/** Once it is proved, the provider is asked again by its ladder whether it keeps its promise. */
function recheckOf(denials: AttemptDenials, now: Instant, terms: Capabilities | null): Instant | null {
  return isProved(denials) ? nextRecheck(now, now, terms?.recheckLadderMs ?? []) : null;
}

/** The poll that was claimed is done; the next one is found anew. */
function withoutPoll(dispatch: Dispatch, { n }: ClaimedInquiry): Dispatch {
  return n === pollNumber ? { ...dispatch, pollAt: null } : dispatch;
}

function inquiryKey(inquiry: { readonly slipId: string; readonly n: number }): string {
  return `${inquiry.slipId} ${inquiry.n}`;
}
