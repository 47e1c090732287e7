import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitLimits } from '@slipstream/kernel';
import { Loop, type Part, type Round, slowingDown, type Unwritten } from '@slipstream/runtime';
import type { NewlyDue } from '../application/follow-slips.ts';
import type { AnsweredInquiry } from '../application/inquire-due.ts';
import type { Calls, EndedCall, Intents } from '../application/intents.ts';
import type { Providers } from '../application/ports.ts';
import type { ReceivedCallback } from '../application/receive-callbacks.ts';
import type { AnsweredRecheck } from '../application/recheck.ts';
import type { UpstreamTick } from '../application/release-parked.ts';
import type { Slots } from '../application/slots.ts';
import type { UseCases } from '../application/use-cases.ts';
import { Recorder } from './recorder.ts';

export interface WorkerParts {
  readonly does: UseCases;
  readonly providers: Providers;
  readonly dispatchSlots: Slots;
  readonly inquirySlots: Slots;
  readonly upstream: () => readonly UpstreamTick[];
  /** Some slip may go to another provider than its first. */
  readonly hasChoice: boolean;
  readonly drainTimeoutMs: number;
  /** Whether a write that failed so may go well later: the database is away or in trouble. */
  readonly mayPass: (error: unknown) => boolean;
  /** What keeps this service's watermarks back. */
  readonly unwritten: Unwritten;
  readonly onError: (error: unknown) => void;
}

export interface Workers {
  readonly parts: readonly Part[];
  /** For what becomes due in a transaction that begins after it; null while nothing is to be sent. */
  newIntents(): Intents | null;
  /** Rows became due, and are committed. */
  wake(due: NewlyDue): void;
  /** Something was committed that may become due later. */
  stir(): void;
  readonly callbacks: CallbackWrites;
}

/** Told how the writing of callbacks ends, whose senders are told, too. */
export interface CallbackWrites {
  written(): void;
  failed(callback: ReceivedCallback, error: unknown): void;
}

/** Between looks for calls that are due by the time alone, or that another instance made due. */
const callPace: WaitLimits = { minMs: 100, maxMs: 500 };
/** Between looks while nothing is in hand, so that nothing becomes due before somebody stirs. */
const quietMs = 5_000;
/** Between two rounds of one loop, however often it is woken. */
const pauseMs = 10;

const callbacksWay = 'callbacks';

/** The workers that make every call and keep every promise that a row in the database stands for. */
export function workers(parts: WorkerParts): Workers {
  const { does, mayPass, unwritten, onError } = parts;
  const recorder = <Item>(way: string, write: (items: readonly Item[]) => Promise<void>) =>
    new Recorder<Item>({ write, way, mayPass, onError, unwritten });
  const outcomes = recorder<EndedCall>('replies', does.recordOutcomes);
  const rechecks = recorder<AnsweredRecheck>('answers about denied slips', does.recordRechecks);
  const answers = recorder<AnsweredInquiry>('answers to inquiries', does.recordAnswers);
  const refused = recorder<ReceivedCallback>(callbacksWay, async (callbacks) => {
    await does.receiveCallbacks(callbacks);
  });
  /** What was read already cannot be written: nothing new is begun that could not be written either. */
  const isBehind = () => outcomes.behind || answers.behind || rechecks.behind;
  const unlessBehind = (work: () => Promise<number>) => async () => (isBehind() ? 0 : work());
  const loops = new QuietLoops(does, onError);
  // What is still in flight after that is left to its leases.
  const settle = (slots: Slots) => () => within(parts.drainTimeoutMs / 2, slots.idle());

  const calls: Calls = { record: (ended) => outcomes.record(ended), onFree: () => dispatcher.wake() };
  const dispatch = () => does.dispatchDueSlips(calls);
  const inquire = () =>
    does.inquireDue({ record: (answered) => answers.record(answered), onFree: () => inquirer.wake() });
  const dispatcher = loops.make('dispatcher', callPace, unlessBehind(dispatch), settle(parts.dispatchSlots));
  const inquirer = loops.make('inquirer', callPace, unlessBehind(inquire), settle(parts.inquirySlots));
  // An attempt whose end is kept here is not abandoned: its lease only ran out while the database was away.
  const recover = unlessBehind(does.recoverAbandoned);
  const reroute = async () => {
    const moved = await does.reroute();
    if (moved > 0) dispatcher.wake();
    return moved;
  };
  const recheck = () => does.recheckDue((answered) => rechecks.record(answered));
  const release = () => does.releaseParked(parts.upstream());
  const keepers = [
    loops.make('recovery of abandoned attempts', { minMs: 100, maxMs: 1_000 }, recover),
    loops.make('release of parked results', { minMs: 50, maxMs: 1_000 }, release),
    ...(parts.hasChoice ? [loops.make('slips to be handed on', { minMs: 100, maxMs: 1_000 }, reroute)] : []),
    loops.make('callbacks that came before their slip', { minMs: 1_000, maxMs: 5_000 }, does.takeUpOrphans),
    loops.make('denied slips', { minMs: 1_000, maxMs: 5_000 }, unlessBehind(recheck)),
    loops.make('observed delays', { minMs: 5_000, maxMs: 10_000 }, async () => {
      await does.keepDelays();
      return 0;
    }),
    loops.make('counts of callbacks', { minMs: 1_000, maxMs: 5_000 }, does.keepCallbackCounts),
    loops.make('slips past their deadline', { minMs: 1_000, maxMs: 5_000 }, does.giveUpLapsed),
    ...statementReader(parts, unlessBehind),
  ];
  const together = callers(dispatcher, inquirer, [outcomes, answers, rechecks, refused]);
  return {
    parts: [connections(parts.providers), lastCounts(does, onError), together, ...keepers],
    newIntents: () => (together.isCalling && !isBehind() ? does.newIntents(calls) : null),
    wake({ calls, inquiries }) {
      if (calls > 0) dispatcher.wake();
      if (inquiries > 0) inquirer.wake();
    },
    stir: () => loops.stir(),
    callbacks: {
      written: () => unwritten.written(callbacksWay),
      // Its provider says it again, nobody knows when: one that is kept is written as soon as any can be.
      failed: (callback, error) => {
        if (mayPass(error) && !refused.behind) void refused.retry(callback, error);
      },
    },
  };
}

/** Loops that look seldom while nothing is in hand; what may become due later brings them back to their pace. */
class QuietLoops {
  readonly #does: Pick<UseCases, 'anythingInHand'>;
  readonly #onError: (error: unknown) => void;
  /** With the longest wait of each. */
  readonly #quiet = new Map<Loop, number>();
  readonly #stirred = new Set<Loop>();

  constructor(does: Pick<UseCases, 'anythingInHand'>, onError: (error: unknown) => void) {
    this.#does = does;
    this.#onError = onError;
  }

  make(name: string, pace: WaitLimits, work: () => Promise<number>, settle?: () => Promise<void>): Loop {
    const look = slowingDown(pace, work);
    const round: Round = async (woken) => {
      const isStirred = this.#stirred.delete(made);
      const waitMs = await look(woken && !isStirred);
      this.#quiet.delete(made);
      if (waitMs === null || waitMs < pace.maxMs) return waitMs;
      // Before the question: what is committed after its answer stirs it.
      this.#quiet.set(made, pace.maxMs);
      if (!(await this.#does.anythingInHand())) return Math.max(waitMs, quietMs);
      this.#quiet.delete(made);
      return waitMs;
    };
    const options = { name, round, pauseMs, onError: this.#onError };
    const made: Loop = new Loop({ ...options, ...(settle ? { settle } : {}) });
    return made;
  }

  /** Nothing is due yet: a round at once, for every batch that is handled, would find nothing. */
  stir(): void {
    for (const [loop, maxMs] of this.#quiet) {
      this.#stirred.add(loop);
      setTimeout(loop.wake, maxMs).unref();
    }
    this.#quiet.clear();
  }
}

/** Together: neither starts anything while the other waits for what is in flight, and they share one patience. */
function callers(
  dispatcher: Loop,
  inquirer: Loop,
  recorders: readonly { end(): void }[],
): Part & { readonly isCalling: boolean } {
  let isCalling = false;
  return {
    name: 'callers',
    get isCalling() {
      return isCalling;
    },
    start: async () => {
      for (const one of [dispatcher, inquirer]) await one.start();
      isCalling = true;
    },
    drain: async () => {
      isCalling = false;
      await Promise.all([dispatcher, inquirer].map((one) => one.drain()));
    },
    stop: async () => {
      isCalling = false;
      await Promise.all([dispatcher, inquirer].map((one) => one.stop()));
      for (const recorder of recorders) recorder.end();
    },
    health: () => (dispatcher.health().ok ? inquirer : dispatcher).health(),
  };
}

/** What was observed since the last look is written when nothing more is. */
function lastCounts(
  does: Pick<UseCases, 'keepDelays' | 'keepCallbackCounts'>,
  onError: (error: unknown) => void,
): Part {
  return {
    name: 'counts of the end',
    start: async () => {},
    stop: async () => {
      await does.keepDelays().catch(onError);
      await does.keepCallbackCounts().catch(onError);
    },
  };
}

/** Only where somebody gives statements. A day is over whether or not anything is in hand. */
function statementReader(
  { does, providers, onError }: WorkerParts,
  unlessBehind: (work: () => Promise<number>) => () => Promise<number>,
): Part[] {
  if ([...providers.values()].every(({ statements }) => !statements)) return [];
  const round = slowingDown({ minMs: 1_000, maxMs: 30_000 }, unlessBehind(does.readStatements));
  return [new Loop({ name: 'daily statements', round, pauseMs, onError })];
}

function connections(providers: Providers): Part {
  return {
    name: 'provider connections',
    start: async () => {},
    stop: async () => {
      await Promise.all([...providers.values()].map((provider) => provider.close()));
    },
  };
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}
