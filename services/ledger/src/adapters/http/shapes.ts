import { createHash } from 'node:crypto';
import { cloudEventType, readEnvelope, slipEventOf } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import { type JsonValue, toSnakeJson } from '@slipstream/service-host';
import { type CauseLanguage, iso20022, shownCause } from '@slipstream/slip';
import type {
  BookedTransaction,
  ListedEvent,
  LoggedEvent,
  SlipLetters,
  SlipView,
} from '../../application/queries.ts';

/** A slip as the HTTP contract shows it, its cause in the reader's language. */
export function slipJson(
  { state, version, partition, offset }: SlipView,
  language: CauseLanguage,
): JsonValue {
  return toSnakeJson({
    id: state.slipId,
    reference: state.reference,
    kind: state.kind,
    account: state.account,
    counterparty: state.counterparty,
    amount: state.amount,
    provider: state.provider,
    clock: state.clock,
    status: state.status,
    outcome: state.outcome,
    case: state.case && { status: state.case.status, openedAt: state.case.openedAt },
    cause: state.cause && shownCause(state.cause, language),
    submittedAt: state.submittedAt,
    dispatchedAt: state.dispatchedAt,
    returnedAt: state.returnedAt,
    deadline: state.deadline,
    overdue: state.overdue,
    resolvedAt: state.resolvedAt,
    anomalies: state.anomalies.map(({ eventId, type, reason }) => ({
      ...{ eventId, reason },
      type: cloudEventType(type),
    })),
    anomalyCount: state.anomalyCount,
    version,
    position: `${partition}:${offset}`,
    iso20022: iso20022(state),
  });
}

/** Tells what is shown of a slip's dead letters from what else would be, for they change while its version does not; null: there are none. */
export function lettersTag({ letters, count }: SlipLetters): string | null {
  if (count === 0) return null;
  const shown = JSON.stringify([count, letters.map(({ id, status }) => [id, status])]);
  return createHash('sha256').update(shown).digest('hex').slice(0, 16);
}

/** What was set aside of a slip, beside it; null: it is shown as it stood once, and nobody asks what waited then. */
export function slipLettersJson(found: SlipLetters | null): object {
  return toSnakeJson({
    deadLetters: found?.letters.map((letter) => ({ ...letter })) ?? null,
    deadLetterCount: found?.count ?? null,
  }) as object;
}

/**
 * An event with its data decoded; data is null for a type or a value that this release does not know. What the submitter wrote
 * beside the slip is shown to those who may read it.
 */
export function eventJson({ bytes, ...event }: LoggedEvent, withDetails: boolean): JsonValue {
  const data = dataOf(bytes);
  const shown = data !== null && 'details' in data && !withDetails ? { ...data, details: null } : data;
  return toSnakeJson({ ...event, data: shown });
}

/** The same with its place in the log. */
export function listedEventJson(
  { partition, offset, clock, traceId, ...event }: ListedEvent,
  withDetails: boolean,
): JsonValue {
  const place = toSnakeJson({ clock, position: `${partition}:${offset}`, traceId }) as object;
  return { ...(eventJson(event, withDetails) as object), ...place };
}

function dataOf(bytes: Buffer): object | null {
  try {
    return slipEventOf(readEnvelope(bytes))?.event.data ?? null;
  } catch (error) {
    // Whatever was logged is shown: a value of a newer release, or bytes that nobody can read.
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

export function transactionJson({
  id,
  slipId,
  type,
  clock,
  eventId,
  recordedAt,
  postings,
}: BookedTransaction): JsonValue {
  return toSnakeJson({ id, slipId, type, clock, eventId, recordedAt, postings });
}
