import { decodeInbound, type Inbound } from '@slipstream/contracts';
import { type ConsumedRecord, RecordRejected } from '@slipstream/kafka';
import { type Instant, instantFromMs, nameProblem } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import { submissionDigest } from '../../application/submission-digest.ts';
import type { InboundCommand } from '../../application/submit-commands.ts';
import { type Submission, submissionProblems } from '../../domain/submission/submission.ts';

/** Reads a record of the inbound topic. @throws RecordRejected when it is no command that intake can judge */
export function readCommand(record: ConsumedRecord): InboundCommand {
  const inbound = decode(record);
  const { command } = inbound;
  switch (command.type) {
    case 'SubmitSlip':
      return readSubmit(record, inbound, { caller: inbound.caller, ...command.data });
    case 'AdvanceClock': {
      const { clock, time, close } = command.data;
      requireName(record, 'clock', clock);
      if (clock === wallClock) throw new RecordRejected(record, 'the wall clock cannot be advanced');
      if (time === null) throw new RecordRejected(record, 'an advance of a clock needs a time');
      return { type: 'advance', clock, time, closed: close };
    }
    default:
      throw new RecordRejected(record, `${command.type} does not belong on ${record.topic}`);
  }
}

function decode(record: ConsumedRecord): Inbound {
  try {
    return decodeInbound(record);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new RecordRejected(record, detail, { cause });
  }
}

function readSubmit(record: ConsumedRecord, inbound: Inbound, submission: Submission): InboundCommand {
  const problems = submissionProblems(submission);
  if (problems.length > 0) {
    throw new RecordRejected(
      record,
      problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '),
    );
  }
  requireName(record, 'clock', inbound.clock);
  return {
    type: 'submit',
    submission,
    clock: inbound.clock,
    receivedAt: receivedAt(record, inbound),
    digest: submissionDigest(submission),
    traceparent: inbound.traceparent || null,
  };
}

/** Rule 6: the broker's append time; on an import's clock the importer's own. */
function receivedAt(record: ConsumedRecord, { clock, time }: Inbound): Instant {
  if (clock === wallClock) return instantFromMs(record.timestampMs);
  if (time === null) throw new RecordRejected(record, `a command on the clock ${clock} needs a time`);
  return time;
}

function requireName(record: ConsumedRecord, field: string, value: string): void {
  const problem = nameProblem(value);
  if (problem !== null) throw new RecordRejected(record, `${field} ${problem}`);
}
