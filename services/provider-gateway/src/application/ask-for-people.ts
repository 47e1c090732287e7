import { type Instant, keyReused, must, SlipstreamError } from '@slipstream/kernel';
import { planForPeople } from '../domain/inquiry/by-people.ts';
import type { CommandKey, PeoplesQuestion, Providers, Store } from './ports.ts';

/** Somebody wants a provider to be asked about a slip now. */
export interface PeoplesAsk extends CommandKey {
  readonly slipId: string;
  readonly reason: string;
  /** The request that it came with. */
  readonly requestId: string;
}

/** What is answered, the first time and each time again. */
export interface WillBeAsked {
  readonly slipId: string;
  readonly provider: string;
  readonly askAt: Instant;
}

/**
 * Puts people's question about a slip on the list, and tells who asked and why (rule 10). It is asked as soon as the provider can
 * know of the slip, before this service's own questions; one that waits already is the same question.
 * @throws SlipstreamError not_found; conflict where nobody can be asked; idempotency_key_reused
 */
export async function askForPeople(
  { store, providers }: { readonly store: Store; readonly providers: Providers },
  { slipId, reason, requestId, ...command }: PeoplesAsk,
): Promise<WillBeAsked & { readonly replayed: boolean }> {
  return store.run(async (tx) => {
    const used = await tx.commands.take(command);
    if (used !== null) return { ...replay(command, used), replayed: true };
    const before = await tx.inquiries.askedByPeople(slipId, true);
    const { now, rows } = await tx.dispatches.lock([slipId]);
    const dispatch = rows.get(slipId);
    if (!dispatch) throw new SlipstreamError('not_found', 'There is no such slip here.');
    const plan = planForPeople(dispatch, {
      now,
      lastAskedAt: before?.askedAt ?? null,
      visibilityDelayMs: (id) => providers.get(id)?.capabilities.visibilityDelayMs ?? null,
    });
    if (plan.plan === 'refuse') throw new SlipstreamError('conflict', plan.detail);
    const waits = before !== null && before.status !== 'answered' && before.provider === plan.provider;
    const answer = { slipId, provider: plan.provider, askAt: waits ? before.askAt : plan.at };
    if (!waits) await tx.inquiries.askForPeople({ slipId, provider: plan.provider, dueAt: plan.at });
    const data = { action: 'inquire', target: slipId, reason, actor: command.caller, requestId };
    const event = { type: 'OperatorActed', data: { service: 'provider-gateway', ...data } } as const;
    tx.tell([{ subject: 'provider-gateway', event }]);
    await tx.commands.answered(command, answer);
    return { ...answer, replayed: false };
  });
}

function replay({ digest }: CommandKey, used: { readonly digest: string; readonly answer: unknown }) {
  if (used.digest === digest) return must(used.answer, 'a command without its answer') as WillBeAsked;
  throw keyReused();
}

/** The question that people put about a slip last; null: none. */
export function showPeoplesQuestion(store: Store, slipId: string): Promise<PeoplesQuestion | null> {
  return store.run((tx) => tx.inquiries.askedByPeople(slipId, false));
}
