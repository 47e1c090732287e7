import { type Instant, instantToMs } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';
import type { Received } from '../domain/dispatch/receive-answer.ts';
import type { Dispatch, NewInquiry, Step } from '../domain/dispatch/state.ts';
import { type Certificate, certificateOf } from '../domain/proof/certificate.ts';
import { brokenBy, notAfterOf, tookTooLate } from '../domain/proof/promise.ts';
import type { ProviderAnswer } from '../domain/provider/answer.ts';
import type { ObservedDelay } from '../domain/provider/delays.ts';
import { tellBroken } from './broken-promise.ts';
import type { Capabilities, Count, SlipDenials, StoreTx } from './ports.ts';

/** Counts what the provider said against what is known, or what nobody understands. */
export function countOdd(step: Step | Received, count: Count): void {
  if (!('reception' in step)) return;
  if (step.reception === 'contradiction') count('contradiction');
  if (step.reception === 'doubtful') count('doubtful_answer');
}

/** Collects what a batch of decisions changes, in order, and writes it with one statement per table. */
export class Changes {
  readonly #rows: Map<string, Dispatch>;
  readonly #now: Instant | null;
  readonly #observed: ObservedDelay[] = [];
  readonly #changed = new Set<string>();
  readonly #events: PendingEvent[] = [];
  readonly #inquiries: NewInquiry[] = [];
  readonly #denials: SlipDenials[] = [];
  readonly #broken: (Pick<Dispatch, 'slipId' | 'amount'> & { readonly provider: string })[] = [];

  /** @param now the database's clock, for what was observed of providers; null: nothing is */
  constructor(rows: Map<string, Dispatch> = new Map(), now: Instant | null = null) {
    this.#rows = rows;
    this.#now = now;
  }

  /** The row as the decisions so far have left it. */
  get(slipId: string): Dispatch | undefined {
    return this.#rows.get(slipId);
  }

  /**
   * A provider's word as it came, before what follows from it: whether it kept its promise by its own time.
   * @param declared what its rules say, believed or not; null: it is not configured any more
   */
  heard(
    slipId: string,
    provider: string,
    answer: ProviderAnswer,
    now: Instant,
    declared: Capabilities | null,
  ): void {
    const before = this.#rows.get(slipId);
    if (!before || !tookTooLate(before, provider, answer, now, declared?.acceptanceDelayMaxMs ?? null))
      return;
    this.#broken.push({ provider, slipId, amount: before.amount });
  }

  add(dispatch: Dispatch): void {
    this.#rows.set(dispatch.slipId, dispatch);
    this.#changed.add(dispatch.slipId);
  }

  apply(step: Step): void {
    const { slipId } = step.dispatch;
    const before = this.#rows.get(slipId);
    const broken = before && brokenBy(before, step.events);
    if (broken) {
      this.#broken.push({ provider: broken, slipId, amount: before.amount });
      const notAfter = notAfterOf(before, broken);
      if (notAfter !== null) this.observe({ provider: broken, kind: 'acceptance', from: notAfter });
    }
    if (this.#rows.get(slipId) !== step.dispatch) this.add(step.dispatch);
    this.#events.push(...step.events);
    this.#inquiries.push(...step.inquiries);
  }

  /** Keeps what a provider said of an attempt that it does not know. */
  keep(denials: SlipDenials): void {
    this.#denials.push(denials);
  }

  /** A delay of a provider that ends now; one that begins later by another clock is none. */
  observe({ from, ...delay }: Omit<ObservedDelay, 'ms'> & { readonly from: Instant }): void {
    const ms = this.#now === null ? -1 : instantToMs(this.#now) - instantToMs(from);
    if (ms >= 0) this.#observed.push({ ...delay, ms });
  }

  publish(event: PendingEvent): void {
    this.#events.push(event);
  }

  /** Two slips may be one for the provider, and people must tell which. */
  #sharing(slipId: string, other: string): PendingEvent[] {
    const cause = this.#events.findLast((one) => one.slipId === slipId && 'evidence' in one.event.data);
    if (cause === undefined || !('evidence' in cause.event.data)) return [];
    const { evidence, provider } = cause.event.data;
    const { providerReference } = this.#rows.get(slipId)!;
    const said = `${providerReference}, which names ${other}`;
    const data = {
      provider,
      doubt: 'reference_shared',
      said,
      evidence,
      providerReference,
      providerTime: null,
    } as const;
    return [{ ...cause, event: { type: 'AnswerDoubted', data } }];
  }

  async write(tx: StoreTx): Promise<void> {
    const changed = [...this.#changed].map((slipId) => this.#rows.get(slipId)!);
    const shared = changed.length > 0 ? await tx.dispatches.save(changed) : [];
    for (const { slipId, other } of shared) this.#events.push(...this.#sharing(slipId, other));
    if (this.#inquiries.length > 0) await tx.inquiries.add(this.#inquiries);
    if (this.#denials.length > 0) await tx.proofs.keep(this.#denials);
    if (this.#observed.length > 0) tx.observe(this.#observed);
    await this.#certify(tx);
    const broken = Map.groupBy(this.#broken, ({ provider }) => provider);
    for (const [provider, slips] of [...broken].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      await tellBroken(tx, provider, slips);
    if (this.#events.length > 0) tx.publish(this.#events);
  }

  /** Each proof that is told has its certificate. */
  async #certify(tx: StoreTx): Promise<void> {
    const proved = new Set(this.#events.filter(isProof).map(({ slipId }) => slipId));
    if (proved.size === 0) return;
    const { now, kept } = await tx.proofs.of([...proved]);
    const certificates = [...proved].map((slipId) =>
      certificateOf(this.#rows.get(slipId)!, kept.get(slipId) ?? [], now),
    );
    await tx.proofs.certify(certificates.filter((one): one is Certificate => one !== null));
  }
}

function isProof({ event }: PendingEvent): boolean {
  return event.type === 'InquiryAnswered' && event.data.provesNotExecuted;
}
