import {
  type Envelope,
  type Inbound,
  inboundOf,
  inboundType,
  readInbound,
  type SubmitSlip,
} from '@slipstream/contracts';
import { type ConsumedRecord, RecordRejected } from '@slipstream/kafka';
import {
  type FieldProblem,
  type Instant,
  instantFromMs,
  isSlipstreamError,
  isTraceContext,
  nameLengthMax,
  nameProblem,
  storableText,
} from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { submissionDigest } from '../../application/submission-digest.ts';
import type { CommandHead, InboundCommand, UnsoundCommand } from '../../application/submit-commands.ts';
import { submissionProblems } from '../../domain/submission/submission.ts';

/**
 * Reads a record of the inbound topic.
 * @throws RecordRejected when nobody can be answered: it cannot be read, it does not say who asks, or it is no wish for a slip
 */
export function readCommand(record: ConsumedRecord): InboundCommand {
  const envelope = orReject(record, () => readInbound(record));
  if (inboundType(envelope.type) === 'SubmitSlip') return readSubmit(record, envelope);
  const { command } = orReject(record, () => inboundOf(envelope));
  if (command.type !== 'AdvanceClock') {
    throw new RecordRejected(record, `${command.type} does not belong on ${record.topic}`);
  }
  const { clock, time, close } = command.data;
  requireName(record, 'clock', clock);
  if (clock === wallClock) throw new RecordRejected(record, 'the wall clock cannot be advanced');
  if (time === null) throw new RecordRejected(record, 'an advance of a clock needs a time');
  return { type: 'advance', clock, time, closed: close };
}

function readSubmit(record: ConsumedRecord, envelope: Envelope): InboundCommand {
  requireName(record, 'the id', envelope.id);
  requireName(record, 'the source', envelope.source);
  let inbound: Inbound;
  try {
    inbound = inboundOf(envelope);
  } catch (error) {
    const { errors = [] } = isSlipstreamError(error) ? error : {};
    if (errors.length === 0) throw rejection(record, error);
    return unsound(record, envelope, String(record.key ?? '') || envelope.subject, errors);
  }
  const { caller, clock, time, traceparent } = inbound;
  const data = inbound.command.data as SubmitSlip;
  // Text of protobuf has no way to be absent: an empty route is the one that HTTP takes without any.
  const submission = { ...data, caller, route: data.route === '' ? 'default' : data.route };
  const problems = submissionProblems(submission);
  addProblem(problems, '/clock', nameProblem(clock));
  if (clock !== wallClock && time === null) {
    addProblem(problems, '/time', 'must be there on another clock than the wall');
  }
  if (problems.length > 0) return unsound(record, envelope, data.reference, problems);
  return {
    type: 'submit',
    ...{ id: inbound.id, caller, reference: data.reference, submission, clock },
    receivedAt: clock === wallClock ? appendedAt(record) : time!,
    digest: submissionDigest(submission),
    traceparent: isTraceContext(traceparent) ? traceparent : null,
  };
}

/** What cannot be repeated as it came is cut, and shown as it can be stored. */
function unsound(
  record: ConsumedRecord,
  { id, source, clock, time, traceparent }: Envelope,
  reference: string,
  problems: readonly FieldProblem[],
): UnsoundCommand {
  const isOnClock = clock !== '' && clock !== wallClock && nameProblem(clock) === null;
  const head: CommandHead = {
    id,
    caller: source,
    reference: storableText(reference.slice(0, nameLengthMax)),
    clock: isOnClock ? clock : wallClock,
    receivedAt: isOnClock && time !== '' ? time : appendedAt(record),
    traceparent: isTraceContext(traceparent) ? traceparent : null,
  };
  return { type: 'unsound', ...head, problems };
}

/** Rule 6: what was received on the wall clock was received when the broker appended it. */
function appendedAt(record: ConsumedRecord): Instant {
  return instantFromMs(record.timestampMs);
}

function addProblem(to: FieldProblem[], pointer: string, detail: string | null): void {
  if (detail !== null) to.push({ pointer, detail });
}

function requireName(record: ConsumedRecord, field: string, value: string): void {
  const problem = nameProblem(value);
  if (problem !== null) throw new RecordRejected(record, `${field} ${problem}`);
}

function orReject<T>(record: ConsumedRecord, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw rejection(record, cause);
  }
}

function rejection(record: ConsumedRecord, cause: unknown): RecordRejected {
  return new RecordRejected(record, cause instanceof Error ? cause.message : String(cause), { cause });
}
