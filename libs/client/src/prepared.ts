import { cloudEventContentType, type InboundCommand, topics } from '@slipstream/contracts';
import type { OutRecord } from '@slipstream/kafka';
import { SlipstreamError } from '@slipstream/kernel';
import { type IdentifiedRecord, slipRecord } from './inbound-record.ts';
import { type ReportCommand, type SubmitCommand, soundReport, soundSubmission } from './sound.ts';

/**
 * A command that was checked and is not sent yet: texts and numbers alone, so that it can be a row, or JSON, in the
 * caller's own database.
 */
export interface PreparedCommand {
  /** Names the command for ever, with the caller: sent twice, it is done once. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  /** The reference: commands about one are to be sent in the order in which they were prepared. */
  readonly key: string;
  /** The record's value, base64. */
  readonly value: string;
}

/** @throws SlipstreamError validation_failed with every field that intake would refuse; payload_too_large */
export function submitRecords(caller: string, commands: readonly SubmitCommand[]): IdentifiedRecord[] {
  // All are looked at before any is given back: a batch is not cut in the middle.
  return listed(commands)
    .map(soundSubmission)
    .map((sound) => {
      const { id, clock, time, traceparent, ...data } = sound;
      const command: InboundCommand = { type: 'SubmitSlip', data };
      return slipRecord(caller, topics.commands, command, sound);
    });
}

/** @throws as {@link submitRecords} */
export function reportRecords(caller: string, results: readonly ReportCommand[]): IdentifiedRecord[] {
  return listed(results)
    .map(soundReport)
    .map((sound) => {
      const { id, clock, time, traceparent, ...data } = sound;
      const command: InboundCommand = { type: 'ReportResult', data };
      return slipRecord(caller, topics.results, command, sound);
    });
}

/** Programs in plain JavaScript hand over anything. */
function listed<T>(commands: readonly T[]): readonly T[] {
  if (Array.isArray(commands)) return commands;
  throw new SlipstreamError('validation_failed', 'what is no list of commands is not sent', {
    errors: [{ pointer: '', detail: 'must be a list of commands' }],
  });
}

/** @throws SlipstreamError validation_failed for a row that is not as it was prepared */
export function recordOf(row: PreparedCommand): OutRecord {
  const { topic, partition, key, value } = row;
  const texts = { id: row.id, topic, key, value };
  const problems = [
    ...Object.entries(texts).flatMap(([name, text]) =>
      typeof text === 'string' ? [] : [`${name} is no text`],
    ),
    ...(Number.isSafeInteger(partition) ? [] : ['partition is no whole number']),
  ];
  if (problems.length > 0) {
    const detail = `the command ${JSON.stringify(row.id ?? null)} is not as it was prepared: ${problems.join(', ')}`;
    throw new SlipstreamError('validation_failed', detail);
  }
  const headers = { 'content-type': cloudEventContentType };
  return { topic, partition, key, value: Buffer.from(value, 'base64'), headers };
}

export function preparedOf({ id, record }: IdentifiedRecord): PreparedCommand {
  const { topic, partition, key, value } = record;
  return { id, topic, partition, key: String(key), value: value!.toString('base64') };
}
