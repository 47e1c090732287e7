import type { Instant } from '@slipstream/kernel';
import { type EventOf, isLive, type PendingEvent } from '@slipstream/slip';
import {
  decideSubmission,
  type SubmissionDecision,
  type SubmissionRule,
  type SubmissionRules,
} from '../domain/submission/decide-submission.ts';
import type { Submission } from '../domain/submission/submission.ts';
import { reviewRequested } from '../domain/waiting/decide-change.ts';
import type { ClockMark, IntakeTx, NewReview } from './ports.ts';

/** A wish for a slip that came over the inbound topic. */
export interface SubmitCommand {
  readonly type: 'submit';
  readonly submission: Submission;
  readonly clock: string;
  /** Broker append time; on an import's clock the importer's time. */
  readonly receivedAt: Instant;
  readonly digest: Uint8Array;
  readonly traceparent: string | null;
}

export type InboundCommand = SubmitCommand | ({ readonly type: 'advance' } & ClockMark);

export interface CommandContext {
  readonly rules: SubmissionRules;
  newId(): string;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

interface Candidate {
  readonly command: SubmitCommand;
  readonly slipId: string;
  readonly decision: SubmissionDecision;
}

/**
 * Handles a batch of commands of one partition, in order, in the consumer's transaction. Nobody waits for an answer: a
 * refusal is an event under a slip id of its own, and it keeps the reference, so that a repeated command says nothing new.
 */
export async function submitCommands(
  context: CommandContext,
  tx: IntakeTx,
  batch: { readonly partition: number; readonly commands: readonly InboundCommand[] },
): Promise<void> {
  const { rules, newId } = context;
  const { partition, commands } = batch;
  const named = new Set(commands.map(({ clock }) => clock).filter((clock) => !isLive(clock)));
  const closed = new Set(named.size > 0 ? await tx.closedClocks(partition, [...named]) : []);
  const candidates: Candidate[] = [];
  const marks = new Map<string, ClockMark>();
  for (const command of commands) {
    if (command.type === 'submit') {
      const circumstances = { ...command, clockClosed: closed.has(command.clock) };
      const decision = decideSubmission(command.submission, circumstances, rules);
      candidates.push({ command, slipId: newId(), decision });
    } else {
      marks.set(command.clock, later(marks.get(command.clock), command));
      if (command.closed) closed.add(command.clock);
    }
  }
  if (candidates.length > 0) await insert(context, tx, candidates);
  if (marks.size > 0) await tx.advanceClocks(partition, [...marks.values()]);
}

async function insert(
  context: CommandContext,
  tx: IntakeTx,
  candidates: readonly Candidate[],
): Promise<void> {
  const inserted = await tx.insertSlips(
    candidates.map(({ command: { submission, clock, digest }, slipId, decision }) => {
      const { caller, reference } = submission;
      const status = !decision.accepted ? 'rejected' : decision.review ? 'in_review' : 'submitted';
      return { slipId, caller, reference, clock, digest, status };
    }),
  );
  const made = candidates.filter(({ slipId }) => inserted.has(slipId));
  const reviews = made.flatMap(reviewOf);
  if (reviews.length > 0) tx.insertReviews(reviews);
  tx.publish(made.flatMap((candidate) => eventsOf(context, candidate)));
  const taken = candidates.filter(({ slipId }) => !inserted.has(slipId));
  if (taken.length > 0) tx.publish(await refuseElsewhere(context, tx, taken));
}

function reviewOf({ command: { submission }, slipId, decision }: Candidate): NewReview[] {
  if (!decision.accepted || decision.review === null) return [];
  const { deadline } = decision.event.data;
  return [{ ...decision.review, slipId, submission, deadline }];
}

function eventsOf(context: CommandContext, candidate: Candidate): PendingEvent[] {
  const { decision } = candidate;
  const first = eventOf(context, candidate);
  const isReviewed = decision.accepted && decision.review !== null;
  return isReviewed ? [first, { ...first, event: reviewRequested(decision.review) }] : [first];
}

function eventOf({ partitionOf }: CommandContext, { command, slipId, decision }: Candidate): PendingEvent {
  const { clock, receivedAt, traceparent } = command;
  const event = decision.accepted
    ? decision.event
    : rejected(command.submission, decision.refusal.rule, decision.refusal.detail);
  return { slipId, partition: partitionOf(slipId), clock, event, receivedAt, traceparent };
}

/** A reference that is taken on the same clock is a repeat and means nothing; on another clock it is refused. */
async function refuseElsewhere(
  { newId, partitionOf }: CommandContext,
  tx: IntakeTx,
  taken: readonly Candidate[],
): Promise<PendingEvent[]> {
  const byReference = new Map(taken.map(({ command }) => [referenceOnClock(command), command]));
  const references = [...byReference.values()].map(({ submission: { caller, reference }, clock }) => {
    return { caller, reference, clock };
  });
  const refused = await tx.refuseOnOtherClock(references);
  const wanted = new Set(refused.map(keyOf));
  return [...byReference].flatMap(([key, { submission, clock, receivedAt, traceparent }]) => {
    if (!wanted.has(key)) return [];
    const detail = `The reference ${submission.reference} is bound to another clock.`;
    const event = rejected(submission, 'reference_on_other_clock', detail);
    const slipId = newId();
    return [{ slipId, partition: partitionOf(slipId), clock, event, receivedAt, traceparent }];
  });
}

function rejected(
  { caller, reference }: Submission,
  rule: SubmissionRule,
  detail: string,
): EventOf<'SlipRejected'> {
  return { type: 'SlipRejected', data: { caller, reference, rule, detail } };
}

function referenceOnClock({ submission: { caller, reference }, clock }: SubmitCommand): string {
  return keyOf({ caller, reference, clock });
}

/** None of the three has a line break in it. */
function keyOf(of: { caller: string; reference: string; clock: string }): string {
  return `${of.caller}\n${of.reference}\n${of.clock}`;
}

function later(known: ClockMark | undefined, { clock, time, closed }: ClockMark): ClockMark {
  if (!known) return { clock, time, closed };
  return { clock, time: known.time > time ? known.time : time, closed: known.closed || closed };
}
