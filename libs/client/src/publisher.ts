import { type AdvanceClock, topics } from '@slipstream/contracts';
import { jsonLog, type Log, SendFailed, SerialProducer } from '@slipstream/kafka';
import { nameProblem, SlipstreamError } from '@slipstream/kernel';
import { type ConnectionOptions, connectionOf } from './connection.ts';
import { clockRecords, type IdentifiedRecord } from './inbound-record.ts';
import { type Outbox, type OutboxRelay, startOutboxRelay } from './outbox.ts';
import { type PreparedCommand, preparedOf, recordOf, reportRecords, submitRecords } from './prepared.ts';
import { SendQueue } from './send-queue.ts';
import { type ReportCommand, type SubmitCommand, saidOf } from './sound.ts';
import type { Time } from './time.ts';

export interface AdvanceClockCommand extends Omit<AdvanceClock, 'time'> {
  readonly time: Time;
  /** The inbound topic whose records the statement covers. */
  readonly topic: 'commands' | 'results';
}

export interface PublisherOptions extends ConnectionOptions {
  /** How long a call may wait without anything becoming durable before `SendFailed`; 1 to 600,000. Default: 10,000. */
  readonly sendTimeoutMs?: number;
}

const sendTimeoutMsDefault = 10_000;
const sendTimeoutMsMax = 600_000;
/** Of kafkajs itself, which keeps to itself what it met: the queue repeats, and can say why when the time is over. */
const requestRetries = 2;

/**
 * Publishes what other services ask of Slipstream. Checked before anything is sent, sent in the order of the calls, and
 * repeated under the same ids until it is durable, or its time is over. Connects when something is first sent.
 */
export class SlipstreamPublisher {
  readonly #caller: string;
  readonly #log: Log;
  readonly #producer: SerialProducer;
  readonly #queue: SendQueue;
  readonly #relays = new Set<OutboxRelay>();
  #isStopped = false;

  /** @throws SlipstreamError validation_failed for a caller that is no name; RangeError for a time limit that is none */
  constructor(options: PublisherOptions) {
    const { caller, sendTimeoutMs: timeoutMs = sendTimeoutMsDefault, log = jsonLog } = options;
    if (!(timeoutMs >= 1 && timeoutMs <= sendTimeoutMsMax)) {
      throw new RangeError(`sendTimeoutMs must be 1 to ${sendTimeoutMsMax}, not ${timeoutMs}`);
    }
    this.#caller = caller;
    this.#log = log;
    this.#producer = new SerialProducer(connectionOf(options), { log, retries: requestRetries });
    const sendBatch: SerialProducer['sendBatch'] = (...batch) => this.#producer.sendBatch(...batch);
    this.#queue = new SendQueue({ sendBatch, timeoutMs });
  }

  /**
   * Asks for a slip. Resolves with the command's id when it is durable in `slips.commands.v1`.
   * @throws SlipstreamError validation_failed with every field that intake would refuse; SendFailed
   */
  async submitSlip(command: SubmitCommand): Promise<string> {
    const [id] = await this.submitSlips([command]);
    return id!;
  }

  /** Asks for many, in this order; one that is wrong, and none is sent. */
  async submitSlips(commands: readonly SubmitCommand[]): Promise<string[]> {
    return this.#sendAll(submitRecords(this.#caller, commands));
  }

  /** Reports what the provider of a `reported` route answered, to `provider.results.v1`; as `submitSlip`. */
  async reportProviderResult(result: ReportCommand): Promise<string> {
    const [id] = await this.reportProviderResults([result]);
    return id!;
  }

  /** Reports many, in this order; one that is wrong, and none is sent. */
  async reportProviderResults(results: readonly ReportCommand[]): Promise<string[]> {
    return this.#sendAll(reportRecords(this.#caller, results));
  }

  /** Checks a command as `submitSlip` does, and sends nothing: for an outbox in the caller's own transaction. */
  prepareSlip(command: SubmitCommand): PreparedCommand {
    return preparedOf(submitRecords(this.#caller, [command])[0]!);
  }

  /** The same for `reportProviderResult`. */
  prepareProviderResult(result: ReportCommand): PreparedCommand {
    return preparedOf(reportRecords(this.#caller, [result])[0]!);
  }

  /**
   * Sends what is written to an outbox, in its order, until it or the publisher is stopped.
   * @throws SlipstreamError validation_failed for what is no outbox; SendFailed when the publisher is stopped
   */
  relay(outbox: Outbox): OutboxRelay {
    requireOutbox(outbox);
    if (this.#isStopped) throw new SendFailed('the publisher is stopped', false);
    const send = (commands: readonly PreparedCommand[]) => this.#queue.send(commands.map(recordOf));
    const relay = startOutboxRelay(outbox, { send, log: this.#log });
    this.#relays.add(relay);
    return {
      wake: () => relay.wake(),
      stop: async () => {
        await relay.stop();
        this.#relays.delete(relay);
      },
    };
  }

  /**
   * Says, in every partition of a topic, that all commands up to `time` on `clock` were sent: await those first.
   * @throws SlipstreamError validation_failed; SendFailed
   */
  async advanceClock(command: AdvanceClockCommand): Promise<void> {
    const { topic, ...statement } = saidOf(command);
    requireStatement(topic, statement.clock);
    await this.#queue.send(clockRecords(this.#caller, topics[topic], statement));
  }

  /** Ends relays when what they do has ended, sends what was accepted, disconnects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#relays].map((relay) => relay.stop()));
    await this.#queue.stop();
    await this.#producer.stop();
  }

  async #sendAll(commands: readonly IdentifiedRecord[]): Promise<string[]> {
    await this.#queue.send(commands.map(({ record }) => record));
    return commands.map(({ id }) => id);
  }
}

/** What lacks would come to light in the log alone, again and again. */
function requireOutbox(outbox: Outbox): void {
  const errors = (['unsent', 'sent'] as const)
    .filter((name) => typeof outbox?.[name] !== 'function')
    .map((name) => ({ pointer: `/${name}`, detail: 'must be a function' }));
  if (errors.length === 0) return;
  const told = errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
  throw new SlipstreamError('validation_failed', `the outbox is not read: ${told}`, { errors });
}

/** Programs in plain JavaScript hand over anything: no other topic takes what a caller says of a clock. */
function requireStatement(topic: string, clock: string): void {
  const isInbound = topic === 'commands' || topic === 'results';
  const problems = [
    ...(isInbound ? [] : [{ pointer: '/topic', detail: 'must be commands or results' }]),
    ...[nameProblem(clock)].flatMap((detail) => (detail === null ? [] : [{ pointer: '/clock', detail }])),
  ];
  if (problems.length === 0) return;
  const told = problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
  throw new SlipstreamError('validation_failed', `the clock is not advanced: ${told}`, { errors: problems });
}
