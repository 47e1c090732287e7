import { setTimeout as sleep } from 'node:timers/promises';
import type { WaitLimits } from '@slipstream/kernel';
import { Loop, type Part, type Round, slowingDown } from '@slipstream/runtime';
import type { EndedCall } from '../application/dispatch-due-slips.ts';
import type { AnsweredInquiry } from '../application/inquire-due.ts';
import type { Providers } from '../application/ports.ts';
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
  readonly drainTimeoutMs: number;
  /** Whether a write that failed so may go well later: the database is away or in trouble. */
  readonly mayPass: (error: unknown) => boolean;
  readonly onError: (error: unknown) => void;
}

export interface Workers {
  readonly parts: readonly Part[];
  /** Rows became due. */
  wake(): void;
  /** Something was committed that may be in hand from now on. */
  stir(): void;
}

/** Between looks for calls that are due. */
const callPace: WaitLimits = { minMs: 5, maxMs: 500 };
/** The same while nothing is in hand, so that nothing becomes due before somebody stirs. */
const quietMs = 5_000;

/** The workers that make every call and keep every promise that a row in the database stands for. */
export function workers(parts: WorkerParts): Workers {
  const { does, providers, dispatchSlots, inquirySlots, mayPass, onError } = parts;
  const outcomes = new Recorder<EndedCall>({ write: does.recordOutcomes, mayPass, onError });
  const answers = new Recorder<AnsweredInquiry>({ write: does.recordAnswers, mayPass, onError });
  /** What was read already cannot be written: nothing new is begun that could not be written either. */
  const unlessBehind = (work: () => Promise<number>) => async () =>
    outcomes.behind || answers.behind ? 0 : work();
  const quiet = new Set<Loop>();
  const loop = (
    name: string,
    pace: WaitLimits,
    work: () => Promise<number>,
    settle?: () => Promise<void>,
  ) => {
    const look = slowingDown(pace, work);
    const round: Round = async (woken) => {
      const waitMs = await look(woken);
      quiet.delete(made);
      if (waitMs === null || waitMs < pace.maxMs) return waitMs;
      // Before the question: what is committed after its answer wakes it.
      quiet.add(made);
      if (!(await does.anythingInHand())) return Math.max(waitMs, quietMs);
      quiet.delete(made);
      return waitMs;
    };
    const made: Loop = new Loop({ name, round, pauseMs: pace.minMs, onError, ...(settle ? { settle } : {}) });
    return made;
  };
  // What is still in flight after that is left to its leases.
  const settle = (slots: Slots) => () => within(parts.drainTimeoutMs / 2, slots.idle());

  const dispatch = () =>
    does.dispatchDueSlips({
      record: (ended) => outcomes.record(ended),
      onFree: () => dispatcher.wake(),
    });
  const inquire = () =>
    does.inquireDue({ record: (answered) => answers.record(answered), onFree: () => inquirer.wake() });
  const dispatcher = loop('dispatcher', callPace, unlessBehind(dispatch), settle(dispatchSlots));
  const inquirer = loop('inquirer', callPace, unlessBehind(inquire), settle(inquirySlots));
  // Together: neither starts anything while the other waits for what is in flight, and they share one patience.
  const callers: Part = {
    name: 'callers',
    start: async () => {
      for (const one of [dispatcher, inquirer]) await one.start();
    },
    drain: async () => {
      await Promise.all([dispatcher, inquirer].map((one) => one.drain()));
    },
    stop: async () => {
      await Promise.all([dispatcher, inquirer].map((one) => one.stop()));
      for (const recorder of [outcomes, answers]) recorder.end();
    },
    health: () => (dispatcher.health().ok ? inquirer : dispatcher).health(),
  };
  // An attempt whose end is kept here is not abandoned: its lease only ran out while the database was away.
  const recover = unlessBehind(does.recoverAbandoned);
  const release = () => does.releaseParked(parts.upstream());
  const keepers = [
    loop('recovery of abandoned attempts', { minMs: 100, maxMs: 1_000 }, recover),
    loop('release of parked results', { minMs: 50, maxMs: 1_000 }, release),
    loop('slips past their deadline', { minMs: 1_000, maxMs: 5_000 }, does.giveUpLapsed),
  ];
  const connections: Part = {
    name: 'provider connections',
    start: async () => {},
    stop: async () => {
      await Promise.all([...providers.values()].map((provider) => provider.close()));
    },
  };
  return {
    parts: [connections, callers, ...keepers],
    wake() {
      dispatcher.wake();
      inquirer.wake();
    },
    stir() {
      for (const loop of quiet) loop.wake();
    },
  };
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}
