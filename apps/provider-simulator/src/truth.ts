/** What each provider really received, did and said. Its state is a function of the records and the time. */
export type Outcome = 'succeeded' | 'failed' | 'void';

/** Minor units as a decimal string, and an ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** A final answer. `deliveredAtMs` stays null for one that was lost, or not yet taken by the receiver. */
export interface Answer {
  readonly atMs: number;
  readonly what: 'reply' | 'callback' | 'inquiry';
  readonly outcome: Outcome;
  deliveredAtMs: number | null;
}

/** One submission that the provider worked on or rejected. */
export interface Run {
  readonly providerId: string;
  /** When it was or will be accepted; absent in what a release before this one wrote down. */
  readonly acceptedAtMs?: number;
  /** When the work was or will be tried; null: rejected before. */
  readonly executesAtMs: number | null;
  readonly progressAtMs: number;
  /** From then on the outcome is known. */
  readonly answersAtMs: number;
  /** Before it inquiries say not_found. */
  readonly visibleFromMs: number;
  readonly outcome: Outcome;
  readonly reason: string | null;
  /** The amount told in answers, which amount_changed and currency_changed make another one. */
  readonly amount: Money | null;
}

export interface SlipRecord {
  readonly slipId: string;
  readonly reference: string;
  readonly provider: string;
  readonly receivedAtMs: number;
  /** The amount asked for, and moved. */
  readonly amount: Money | null;
  readonly runs: Run[];
  readonly answers: Answer[];
}

export class TruthStore {
  readonly #records = new Map<string, SlipRecord>();
  readonly #slipsMax: number;
  readonly #answersPerSlipMax: number;
  #dropped = 0;

  constructor(slipsMax: number, answersPerSlipMax: number) {
    this.#slipsMax = slipsMax;
    this.#answersPerSlipMax = answersPerSlipMax;
  }

  /** Slips forgotten because the store was full. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#records.size;
  }

  records(): IterableIterator<SlipRecord> {
    return this.#records.values();
  }

  find(provider: string, slipId: string): SlipRecord | undefined {
    return this.#records.get(key(provider, slipId));
  }

  /** The record of the slip at the provider, made at its first submission. */
  open(first: Omit<SlipRecord, 'runs' | 'answers'>): SlipRecord {
    const known = this.find(first.provider, first.slipId);
    if (known) return known;
    const record: SlipRecord = { ...first, runs: [], answers: [] };
    this.take(record);
    return record;
  }

  take(record: SlipRecord): void {
    this.#records.set(key(record.provider, record.slipId), record);
    if (this.#records.size > this.#slipsMax) this.#forgetOldest();
  }

  /** Notes a final answer; set its `deliveredAtMs` when it went out whole. */
  answer(record: SlipRecord, what: Answer['what'], outcome: Outcome, atMs: number): Answer {
    const answer: Answer = { atMs, what, outcome, deliveredAtMs: null };
    if (record.answers.length >= this.#answersPerSlipMax) {
      const lost = record.answers.findIndex((known) => known.deliveredAtMs === null);
      if (lost < 0) return answer;
      record.answers.splice(lost, 1);
    }
    record.answers.push(answer);
    return answer;
  }

  #forgetOldest(): void {
    const oldest = this.#records.keys().next().value;
    if (oldest === undefined) return;
    this.#records.delete(oldest);
    this.#dropped += 1;
  }
}

/** How often the work was really done. A business failure moved nothing, so it counts 0. */
export function executions(record: SlipRecord, nowMs: number): number {
  return record.runs.filter((run) => isExecuted(run, nowMs) && run.outcome === 'succeeded').length;
}

/** The outcome as the provider knows it now: one success decides; null while it isn't known. */
export function outcome(record: SlipRecord, nowMs: number): Outcome | null {
  return leading(record.runs.filter((run) => run.answersAtMs <= nowMs))?.outcome ?? null;
}

export function isExecuted(run: Run, nowMs: number): boolean {
  return run.executesAtMs !== null && run.executesAtMs <= nowMs;
}

/** The run an inquiry tells about: a success, else another final one, else the newest; none: not_found. */
export function inquired(record: SlipRecord, nowMs: number): Run | null {
  const visible = record.runs.filter((run) => run.visibleFromMs <= nowMs);
  return leading(visible.filter((run) => run.answersAtMs <= nowMs)) ?? visible.at(-1) ?? null;
}

/** The truth of one slip in the form of `GET /v1/truth`. */
export function showTruth(record: SlipRecord, nowMs: number): object {
  return {
    slip_id: record.slipId,
    reference: record.reference,
    provider: record.provider,
    received_at: rfc3339(record.receivedAtMs),
    executions: executions(record, nowMs),
    outcome: outcome(record, nowMs),
    answers: record.answers
      .filter((answer) => answer.atMs <= nowMs)
      .map((answer) => ({
        at: rfc3339(answer.atMs),
        what: answer.what,
        outcome: answer.outcome,
        delivered_at: answer.deliveredAtMs === null ? null : rfc3339(answer.deliveredAtMs),
      })),
  };
}

/** When the provider took the slip, as it says so itself; null: it does not know any more. */
export function acceptedAt({ acceptedAtMs }: Run): string | null {
  return acceptedAtMs === undefined ? null : rfc3339(acceptedAtMs);
}

export function rfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function leading(known: readonly Run[]): Run | undefined {
  return known.find((run) => run.outcome === 'succeeded') ?? known[0];
}

function key(provider: string, slipId: string): string {
  return `${provider}\n${slipId}`;
}
