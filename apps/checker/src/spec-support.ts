import { createHash } from 'node:crypto';
import type { Micros, Money, Posting, Told, Transaction, WireEvent } from './events.ts';
import { sources } from './events.ts';
import type { Facts, TopicEvent, TruthRow } from './facts.ts';

/** One slip's life as the rules want it; times in milliseconds after its submission. */
export interface Life {
  readonly submitMs: number;
  readonly deadlineMs: number;
  readonly kind: 'order' | 'payout' | 'payment';
  /** null: the slip moves no money. */
  readonly amount: bigint | null;
  readonly dispatched: boolean;
  readonly holdMs: number;
  readonly hold: 'held' | 'refused';
  /** The provider's answer; null: none ever came, and nothing was done. */
  readonly answer: null | {
    /** After the hold. */
    readonly ms: number;
    readonly what: 'reply' | 'callback';
    readonly outcome: 'succeeded' | 'failed' | 'void';
    /** What the provider says it moved; null: it doesn't say. */
    readonly share: 'all' | 'half' | null;
    /** From reading to commit: a callback is thanked for after it, a reply has been read before. */
    readonly commitMs: number;
  };
  /** What is concluded about silence: proof and refund, or people. */
  readonly silence: 'refund' | 'case';
}

export const start: Micros = BigInt(Date.parse('2026-11-22T10:00:00Z')) * 1_000n;
export const ms = (count: number): Micros => BigInt(Math.round(count * 1_000));
const rfc3339 = (time: Micros) => new Date(Number(time / 1_000n)).toISOString();

export const ordinary: Life = {
  submitMs: 0,
  deadlineMs: 10_000,
  kind: 'order',
  amount: 1_000n,
  dispatched: true,
  holdMs: 10,
  hold: 'held',
  answer: { ms: 2_000, what: 'callback', outcome: 'succeeded', share: 'all', commitMs: 20 },
  silence: 'refund',
};
/** Nobody ever answers. */
export const silent: Life = { ...ordinary, answer: null };

type Draft = Pick<WireEvent, 'source' | 'slipId' | 'time' | 'receivedTime' | 'told'>;
type Source = keyof typeof sources;

/** What the topic, the databases and the providers hold after these lives, with nothing wrong. */
export function factsOf(lives: readonly Life[]): Facts & { readonly truth: readonly TruthRow[] } {
  const all = lives.map((life, index) => ({ slipId: `slip-${index}`, ...liveOne(life, `slip-${index}`) }));
  const drafts = all.flatMap(({ events }) => events).sort((a, b) => Number(a.time - b.time));
  const offsets = new Map<number, bigint>();
  const numbers = new Map<string, bigint>();
  const topic = drafts.map((draft, index): TopicEvent => {
    const partition = Number(draft.slipId.slice(5)) % 3;
    const offset = (offsets.get(partition) ?? -1n) + 1n;
    offsets.set(partition, offset);
    const lane = `${draft.source} ${partition}`;
    const sequence = (numbers.get(lane) ?? 0n) + 1n;
    numbers.set(lane, sequence);
    return recordOf(
      { ...draft, id: `e${index}`, sequence, incarnation: 1n, clock: 'wall', digest: '' },
      partition,
      offset,
    );
  });
  const truth = all.flatMap((one) => one.truth);
  const agreeing = inAgreement({
    topic,
    truth,
    accepted: all.map(({ slipId, events }) => ({ slipId, at: events[0]!.time })),
    now: start + ms(1_000_000),
  });
  return { ...agreeing, truth };
}

/** Outbox, log and books as the topic says. */
export function inAgreement(of: Pick<Facts, 'topic' | 'truth' | 'accepted' | 'now'>): Facts {
  return {
    ...of,
    outbox: of.topic.map(({ partition, event }) => ({ partition, seq: event.sequence, event })),
    log: of.topic.map(({ partition, offset, bytes, event }) => {
      return { id: event.id, source: event.source, partition, offset, bytes };
    }),
    transactions: of.topic.flatMap(({ event: { told, slipId, clock } }) =>
      'transaction' in told
        ? [told.transaction, told.fee ?? null].flatMap((one) =>
            one === null ? [] : [{ ...one, slipId, clock }],
          )
        : [],
    ),
    imbalances: 0,
    setAside: [],
    lostProcesses: [],
    since: null,
  };
}

export function recordOf(event: WireEvent, partition: number, offset: bigint): TopicEvent {
  const { id, slipId, told, sequence } = event;
  const text = (value: unknown) =>
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one));
  const hash = (value: unknown) => createHash('sha256').update(text(value)).digest('hex');
  const digest = hash([id, slipId, told]);
  return { partition, offset, bytes: hash([digest, sequence, event.time]), event: { ...event, digest } };
}

function liveOne(life: Life, slipId: string): { events: Draft[]; truth: TruthRow[] } {
  const at = (afterMs: number) => start + ms(life.submitMs + afterMs);
  const events: Draft[] = [];
  const add = (source: Source, told: Told, time: Micros) =>
    events.push({ source: sources[source], slipId, told, time, receivedTime: time });
  const money: Money | null = life.amount === null ? null : { amount: life.amount, currency: 'EUR' };
  const deadline = at(life.deadlineMs);
  const provider = life.dispatched ? 'acme' : null;
  add(
    'intake',
    {
      ...{
        type: 'submitted',
        dispatched: life.dispatched,
        kind: life.kind,
        account: 'cust',
        counterparty: 'shop',
      },
      ...{ amount: money, provider, deadline, graceMs: 0, reviewed: false },
    },
    at(0),
  );
  const heldAt = at(life.holdMs);
  const callOverdue = () =>
    add('reconciliation', { type: 'overdue', ofOutcome: true, deadline }, deadline + 1n);
  if (life.hold === 'refused') {
    if (heldAt > deadline) callOverdue();
    add('ledger', { type: 'hold_refused' }, behindVerdict(heldAt, deadline));
    return { events, truth: [] };
  }
  const transaction = (type: Transaction['type'], net: [string, bigint][]): Transaction | null =>
    money && {
      id: `${slipId}-${type}`,
      type,
      postings: net.flatMap(([account, change]): Posting[] => {
        if (change === 0n) return [];
        const direction = change < 0n ? 'debit' : 'credit';
        return [{ account, direction, amount: { ...money, amount: change < 0n ? -change : change } }];
      }),
    };
  const sum = life.amount ?? 0n;
  const held = transaction('hold', [
    ['payer:cust:available', -sum],
    ['payer:cust:held', sum],
  ]);
  add('ledger', { type: 'funds_held', transaction: held }, heldAt);
  const { answer } = life;
  const committedAt = answer && heldAt + ms(answer.ms + answer.commitMs);
  if (committedAt === null || committedAt > deadline) callOverdue();
  const back: [string, bigint][] = [
    ['payer:cust:held', -sum],
    ['payer:cust:available', sum],
  ];
  if (answer === null || committedAt === null) {
    let later = deadline + 2n;
    if (heldAt > deadline) later = heldAt + 2n;
    if (life.silence === 'case')
      add('reconciliation', { type: 'case_opened', reason: 'inquiry_exhausted' }, later);
    else {
      add('reconciliation', { type: 'not_returned', notExecuted: true }, later);
      add('reconciliation', { type: 'refund_requested' }, later + 1n);
      add('ledger', { type: 'refunded', transaction: transaction('refund', back) }, later + 2n);
    }
    return { events, truth: life.dispatched ? [truthOf(life, slipId, heldAt, 0)] : [] };
  }
  const moved = answer.share === 'half' ? sum / 2n : sum;
  const named = answer.share === null || money === null ? null : { ...money, amount: moved };
  add(
    'gateway',
    {
      ...{ type: 'returned', provider, outcome: answer.outcome, amount: named },
      bySynchronousReply: answer.what === 'reply',
      ...{ byStatement: false, reference: null },
    },
    committedAt,
  );
  if (answer.outcome === 'succeeded') {
    const destination =
      life.kind === 'payment' ? 'payer:shop:available' : `provider:${provider ?? 'reported'}:settlement`;
    const settled = transaction('settle', [
      ['payer:cust:held', -sum],
      [destination, moved],
      ['payer:cust:available', sum - moved],
    ]);
    add('ledger', { type: 'settled', transaction: settled }, committedAt + 1n);
  } else {
    add('ledger', { type: 'refunded', transaction: transaction('refund', back) }, committedAt + 1n);
  }
  const executions = answer.outcome === 'succeeded' ? 1 : 0;
  return { events, truth: life.dispatched ? [truthOf(life, slipId, heldAt, executions)] : [] };
}

/** What comes behind a verdict in the log. */
function behindVerdict(time: Micros, deadline: Micros): Micros {
  return time > deadline && time < deadline + 2n ? deadline + 2n : time;
}

function truthOf({ answer }: Life, slipId: string, heldAt: Micros, executions: number): TruthRow {
  const given = answer && heldAt + ms(answer.ms);
  const deliveredAt = answer && given! + (answer.what === 'callback' ? ms(answer.commitMs) : 0n);
  return {
    ...{ slip_id: slipId, reference: slipId, provider: 'acme', received_at: rfc3339(heldAt), executions },
    outcome: answer?.outcome ?? null,
    answers:
      answer === null
        ? []
        : [
            {
              at: rfc3339(given!),
              what: answer.what,
              outcome: answer.outcome,
              delivered_at: rfc3339(deliveredAt!),
            },
          ],
  };
}
