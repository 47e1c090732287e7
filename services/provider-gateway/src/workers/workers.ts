import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '@slipstream/runtime';
import type { EndedCall } from '../application/dispatch-due-slips.ts';
import type { AnsweredInquiry } from '../application/inquire-due.ts';
import type { Providers } from '../application/ports.ts';
import type { UpstreamTick } from '../application/release-parked.ts';
import type { Slots } from '../application/slots.ts';
import type { UseCases } from '../application/use-cases.ts';
import { Poller } from './poller.ts';
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
}

/** The workers that make every call and keep every promise that a row in the database stands for. */
export function workers(parts: WorkerParts): Workers {
  const { does, providers, dispatchSlots, inquirySlots, mayPass, onError } = parts;
  const outcomes = new Recorder<EndedCall>({ write: does.recordOutcomes, mayPass, onError });
  const answers = new Recorder<AnsweredInquiry>({ write: does.recordAnswers, mayPass, onError });
  /** What was read already cannot be written: nothing new is begun that could not be written either. */
  const unlessBehind = (work: () => Promise<number>) => async () =>
    outcomes.behind || answers.behind ? 0 : work();
  // What is still in flight after that is left to its leases.
  const settle = (slots: Slots) => () => within(parts.drainTimeoutMs / 2, slots.idle());

  const dispatcher = new Poller({
    name: 'dispatcher',
    work: unlessBehind(() =>
      does.dispatchDueSlips({
        record: (ended) => outcomes.record(ended),
        onFree: () => dispatcher.wake(),
      }),
    ),
    waitMsMin: 5,
    waitMsMax: 500,
    onError,
    settle: settle(dispatchSlots),
  });
  const inquirer = new Poller({
    name: 'inquirer',
    work: unlessBehind(() =>
      does.inquireDue({ record: (answered) => answers.record(answered), onFree: () => inquirer.wake() }),
    ),
    waitMsMin: 5,
    waitMsMax: 500,
    onError,
    settle: settle(inquirySlots),
  });
  // Together: neither starts anything while the other waits for what is in flight, and they share one patience.
  const callers: Part = {
    name: 'calls to providers',
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
  };
  const recovery = new Poller({
    name: 'recovery of abandoned attempts',
    // An attempt whose end is kept here is not abandoned: its lease only ran out while the database was away.
    work: unlessBehind(does.recoverAbandoned),
    waitMsMin: 100,
    waitMsMax: 1_000,
    onError,
  });
  const release = new Poller({
    name: 'release of parked results',
    work: () => does.releaseParked(parts.upstream()),
    waitMsMin: 50,
    waitMsMax: 1_000,
    onError,
  });
  const lapse = new Poller({
    name: 'slips past their deadline',
    work: does.giveUpLapsed,
    waitMsMin: 1_000,
    waitMsMax: 5_000,
    onError,
  });
  const connections: Part = {
    name: 'provider connections',
    start: async () => {},
    stop: async () => {
      await Promise.all([...providers.values()].map((provider) => provider.close()));
    },
  };
  return {
    parts: [connections, callers, recovery, release, lapse],
    wake() {
      dispatcher.wake();
      inquirer.wake();
    },
  };
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}
