import { setTimeout as sleep } from 'node:timers/promises';
import { GroupCommit } from '@slipstream/postgres';
import type { Part } from '@slipstream/runtime';
import type { EndedCall } from '../application/dispatch-due-slips.ts';
import type { AnsweredInquiry } from '../application/inquire-due.ts';
import type { Providers } from '../application/ports.ts';
import type { UpstreamTick } from '../application/release-parked.ts';
import type { Slots } from '../application/slots.ts';
import type { UseCases } from '../application/use-cases.ts';
import { keepTrying } from './keep-trying.ts';
import { Poller } from './poller.ts';

export interface WorkerParts {
  readonly does: UseCases;
  readonly providers: Providers;
  readonly dispatchSlots: Slots;
  readonly inquirySlots: Slots;
  readonly upstream: () => readonly UpstreamTick[];
  readonly drainTimeoutMs: number;
  readonly onError: (error: unknown) => void;
}

export interface Workers {
  readonly parts: readonly Part[];
  /** Rows became due. */
  wake(): void;
}

const batchSizeMax = 200;
const waitingMax = 10_000;
/** About half a minute: longer than a database takes to fail over, shorter than an inquiry ladder. */
const patience = { attemptsMax: 12, delayMs: 100, delayMsMax: 5_000 };

/** The workers that make every call and keep every promise that a row in the database stands for. */
export function workers(parts: WorkerParts): Workers {
  const { does, providers, dispatchSlots, inquirySlots, onError } = parts;
  const outcomes = group<EndedCall>(does.recordOutcomes);
  const answers = group<AnsweredInquiry>(does.recordAnswers);
  // What is still in flight after that is left to its leases.
  const settle = (slots: Slots) => () => within(parts.drainTimeoutMs / 2, slots.idle());

  const dispatcher = new Poller({
    name: 'dispatcher',
    work: () =>
      does.dispatchDueSlips({
        record: (ended) => persist(outcomes, ended),
        onFree: () => dispatcher.wake(),
      }),
    waitMsMin: 5,
    waitMsMax: 100,
    onError,
    settle: settle(dispatchSlots),
  });
  const inquirer = new Poller({
    name: 'inquirer',
    work: () =>
      does.inquireDue({ record: (answered) => persist(answers, answered), onFree: () => inquirer.wake() }),
    waitMsMin: 5,
    waitMsMax: 100,
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
    },
  };
  const recovery = new Poller({
    name: 'recovery of abandoned attempts',
    work: does.recoverAbandoned,
    waitMsMin: 100,
    waitMsMax: 500,
    onError,
  });
  const release = new Poller({
    name: 'release of parked results',
    work: () => does.releaseParked(parts.upstream()),
    waitMsMin: 50,
    waitMsMax: 250,
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
    parts: [connections, callers, recovery, release],
    wake() {
      dispatcher.wake();
      inquirer.wake();
    },
  };

  /** An end that cannot be written is left to its lease: then it counts as unanswered, and is asked about. */
  async function persist<Item>(into: GroupCommit<Item, void>, item: Item): Promise<void> {
    await keepTrying(() => into.submit(item), { ...patience, onError });
  }
}

function group<Item>(flush: (items: readonly Item[]) => Promise<void>): GroupCommit<Item, void> {
  return new GroupCommit<Item, void>(
    async (items) => {
      await flush(items);
      return items.map(() => undefined);
    },
    {
      batchSizeMax,
      waitingMax,
      onFull: () => new Error(`more than ${waitingMax} outcomes wait to be written`),
    },
  );
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}
