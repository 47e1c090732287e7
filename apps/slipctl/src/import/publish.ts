import type { AdvanceClockCommand, ReportCommand, SubmitCommand } from '@slipstream/client';
import type { Instant } from '@slipstream/kernel';
import { coveredBy, type Message, toCommand } from './messages.ts';
import type { Pace } from './pace.ts';

/** The part of the SDK that an import needs. */
export interface Bus {
  submitSlips(commands: readonly SubmitCommand[]): Promise<unknown>;
  reportProviderResults(results: readonly ReportCommand[]): Promise<unknown>;
  advanceClock(command: AdvanceClockCommand): Promise<void>;
}

export interface PublishOptions {
  readonly clock: string;
  /** Where the clock stands at the end. */
  readonly until: Instant;
  readonly onSent?: (sent: number) => void;
  readonly batchSizeMax?: number;
  /** Says when more may be sent. */
  readonly pace: Pace;
  /** The clock is advanced after about so many messages: that tells how far the services have come. */
  readonly messagesPerAdvance?: number;
}

/** Sends messages that come in order; then closes the clock at `until`. Gives how many were sent. */
export async function publish(
  bus: Bus,
  messages: AsyncIterable<Message> | Iterable<Message>,
  { clock, until, onSent, pace, batchSizeMax = 1_000, messagesPerAdvance = 1_000 }: PublishOptions,
): Promise<number> {
  let batch: Message[] = [];
  let sent = 0;
  let covered = 0;
  const flush = async () => {
    await sendBatch(bus, batch, clock);
    sent += batch.length;
    onSent?.(sent);
    const last = batch.at(-1);
    batch = [];
    if (!last || sent - covered < messagesPerAdvance) return;
    const messages = sent - covered;
    covered = sent;
    await advance(bus, clock, coveredBy(last), false);
    await pace.sent(messages, coveredBy(last));
  };
  for await (const message of messages) {
    batch.push(message);
    if (batch.length >= batchSizeMax) await flush();
  }
  await flush();
  await advance(bus, clock, until, true);
  return sent;
}

/** Those of one topic keep their order; across the two it doesn't matter, the gateway keeps early reports. */
async function sendBatch(bus: Bus, batch: readonly Message[], clock: string): Promise<void> {
  const submits: SubmitCommand[] = [];
  const reports: ReportCommand[] = [];
  for (const message of batch) {
    const command = toCommand(message, clock);
    if ('submit' in command) submits.push(command.submit);
    else reports.push(command.report);
  }
  if (submits.length > 0) await bus.submitSlips(submits);
  if (reports.length > 0) await bus.reportProviderResults(reports);
}

async function advance(bus: Bus, clock: string, time: Instant, close: boolean): Promise<void> {
  await bus.advanceClock({ topic: 'commands', clock, time, close });
  await bus.advanceClock({ topic: 'results', clock, time, close });
}
