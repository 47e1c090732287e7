import type { ReportCommand, SubmitCommand } from '@slipstream/client';
import { addMicros, earlier, type Instant } from '@slipstream/kernel';
import { v5 as uuidv5 } from 'uuid';
import type { Report, Row } from './rows.ts';

/** Namespace of the ids of imported messages (random, fixed). */
const importNamespace = 'b1b0d3a6-52a5-4c8e-9a52-6a3c7f0d1e84';

/** One message to be sent. Plain JSON: it is stored while messages are sorted. */
export type Message = {
  /** Its place in the stream: nothing before it is sent later. */
  readonly sortAt: Instant;
  /** When it happened. */
  readonly at: Instant;
  readonly reference: string;
} & (
  | {
      readonly step: 'submitted';
      readonly column: string;
      readonly slip: Omit<Row, 'reports' | 'line' | 'notPositive'>;
    }
  | Report
);

const ranks = { submitted: 0, acknowledged: 1, progressed: 2, returned: 3 } as const;

/**
 * What a row says up to `until`; nothing when its slip was submitted later. A report older than the submission
 * (clocks of others are wrong now and then) draws the submission forward in the stream, though not in time: no service
 * may see the clock pass a report of a slip it has not heard of.
 */
export function messagesOf(row: Row, submittedColumn: string, until: Instant): Message[] {
  if (row.submittedAt > until) return [];
  const { reports, line: _, notPositive: __, ...slip } = row;
  const { reference, submittedAt } = row;
  const sent = reports.filter(({ at }) => at <= until);
  const sortAt = sent.reduce((least, { at }) => earlier(least, at), submittedAt);
  return [
    { sortAt, at: submittedAt, reference, step: 'submitted', column: submittedColumn, slip },
    ...sent.map((report): Message => ({ ...report, sortAt: report.at, reference })),
  ];
}

/** The order in which messages are sent; total, so that the same rows give the same stream. */
export function compareMessages(a: Message, b: Message): number {
  if (a.sortAt !== b.sortAt) return a.sortAt < b.sortAt ? -1 : 1;
  if (a.step !== b.step) return ranks[a.step] - ranks[b.step];
  if (a.reference !== b.reference) return a.reference < b.reference ? -1 : 1;
  return a.column < b.column ? -1 : a.column > b.column ? 1 : 0;
}

/** The clock may be advanced to this once `last` was sent: others of its very time may still follow. */
export function coveredBy(last: Message): Instant {
  return addMicros(last.sortAt, -1n);
}

/** The same for the same row on the same clock, so that importing a file twice changes nothing. */
export function messageId(clock: string, { reference, step, column }: Message): string {
  // Names have no line break in them.
  return uuidv5(`${clock}\n${reference}\n${step}\n${column}`, importNamespace);
}

export type Command = { readonly submit: SubmitCommand } | { readonly report: ReportCommand };

export function toCommand(message: Message, clock: string): Command {
  const { at: time, reference } = message;
  const options = { id: messageId(clock, message), clock, time };
  if (message.step === 'submitted') {
    const { kind, account, counterparty, route, deadline, amount, fee } = message.slip;
    const money = amount && { amount: BigInt(amount.amount), currency: amount.currency };
    const metadata: Record<string, string> = fee === null ? {} : { fee };
    const submit = { reference, kind, account, counterparty, amount: money, route, deadline, metadata };
    return { submit: { ...submit, ...options } };
  }
  return {
    report: {
      reference,
      step: message.step,
      outcome: message.step === 'returned' ? message.outcome : null,
      progress: message.step === 'progressed' ? message.name : '',
      reason: null,
      amount: null,
      providerReference: null,
      providerTime: time,
      ...options,
    },
  };
}
