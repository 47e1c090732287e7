import { type InboundCommand, topics } from '@slipstream/contracts';
import type { OutRecord } from '@slipstream/kafka';
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
export function prepareSubmit(caller: string, commands: readonly SubmitCommand[]): PreparedCommand[] {
  // All are looked at before any is given back: a batch is not cut in the middle.
  return commands.map(soundSubmission).map((sound) => {
    const { id, clock, time, traceparent, ...data } = sound;
    const command: InboundCommand = { type: 'SubmitSlip', data };
    return preparedOf(slipRecord(caller, topics.commands, command, sound));
  });
}

/** @throws as {@link prepareSubmit} */
export function prepareReport(caller: string, results: readonly ReportCommand[]): PreparedCommand[] {
  return results.map(soundReport).map((sound) => {
    const { id, clock, time, traceparent, ...data } = sound;
    const command: InboundCommand = { type: 'ReportResult', data };
    return preparedOf(slipRecord(caller, topics.results, command, sound));
  });
}

export function recordOf({ topic, partition, key, value }: PreparedCommand): OutRecord {
  const headers = { 'content-type': 'application/cloudevents+protobuf' };
  return { topic, partition, key, value: Buffer.from(value, 'base64'), headers };
}

function preparedOf({ id, record: { topic, partition, key, value } }: IdentifiedRecord): PreparedCommand {
  return { id, topic, partition, key: String(key), value: value!.toString('base64') };
}
