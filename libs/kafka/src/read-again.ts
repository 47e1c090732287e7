import { peekEnvelope } from '@slipstream/contracts';
import { isSlipstreamError, SlipstreamError } from '@slipstream/kernel';
import { classifyError } from './classify-error.ts';
import { describeError } from './log.ts';
import { misplaced } from './misplaced.ts';
import { type ConsumedRecord, type ConsumerStore, type DeadLetter, RecordRejected } from './ports.ts';

/**
 * A record that was set aside, as its handler gets it. Its place in its source's numbers was counted when it was set
 * aside. @throws `undecodable_record`, RecordRejected
 */
export function recordAgain(
  record: Omit<ConsumedRecord, 'source' | 'sequence'>,
  sequenced: boolean,
): ConsumedRecord {
  if (!sequenced) return { ...record, source: '', sequence: -1 };
  if (record.value === null) throw new SlipstreamError('undecodable_record', 'the record has no value');
  const { source, sequence, subject } = peekEnvelope(record.value);
  if (sequence < 1) throw new SlipstreamError('undecodable_record', 'the event has no sequence');
  const again = { ...record, source, sequence };
  const why = misplaced(record, subject);
  if (why !== null) throw new RecordRejected(again, why);
  return again;
}

/** Why a record failed again; null when that was not its fault: it stays where it is. */
export function refusalOf(
  error: unknown,
  store: Pick<ConsumerStore<never>, 'classify'>,
): Pick<DeadLetter, 'reason' | 'errorClass' | 'detail'> | null {
  const failure = classifyError(error, store);
  if (failure === 'fenced' || failure === 'transient') return null;
  const named = rejectionsOf(error)[0]?.detail ?? (isSlipstreamError(error) ? error.detail : undefined);
  const described = describeError(error);
  return { ...described, detail: named ?? described.detail, reason: reasonOf(error, store) };
}

/** Why a record that failed alone is set aside. */
export function reasonOf(
  error: unknown,
  store: Pick<ConsumerStore<never>, 'classify'>,
): DeadLetter['reason'] {
  const failure = classifyError(error, store);
  if (failure === 'rejected') return rejectionsOf(error)[0]?.reason ?? 'rejected';
  return failure === 'undecodable' || failure === 'too_new' ? failure : 'failed';
}

/** What the handler named, wherever it stands among the causes. */
export function rejectionsOf(error: unknown): RecordRejected['rejections'] {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'RecordRejected') return (cause as RecordRejected).rejections;
  }
  return [];
}
