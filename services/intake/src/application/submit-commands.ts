import type { FieldProblem, Instant } from '@slipstream/kernel';
import { type DataOf, isLive, type PendingEvent } from '@slipstream/slip';
import {
  decideSubmission,
  type SubmissionDecision,
  type SubmissionRules,
  waitMsMax,
} from '../domain/submission/decide-submission.ts';
import { gateOf, passingRepeats, repeatOf } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import type { Submission } from '../domain/submission/submission.ts';
import { reviewRequested } from '../domain/waiting/decide-change.ts';
import type { ClockMark, IntakeTx, Lines, NewReview, NotAdded, SlipOfReference } from './ports.ts';

/** What an answer repeats of a command. */
export interface CommandHead {
  /** The publisher's own: `(caller, id)` names the command for ever. */
  readonly id: string;
  readonly caller: string;
  readonly reference: string;
  readonly clock: string;
  /** Broker append time; on an import's clock the importer's time. */
  readonly receivedAt: Instant;
  readonly traceparent: string | null;
}

/** A wish for a slip that came over the inbound topic. */
export interface SubmitCommand extends CommandHead {
  readonly type: 'submit';
  readonly submission: Submission;
  readonly digest: Uint8Array;
}

/** One whose fields are not sound. */
export interface UnsoundCommand extends CommandHead {
  readonly type: 'unsound';
  /** What is wrong, at least one; pointers are RFC 6901. */
  readonly problems: readonly FieldProblem[];
}

export type InboundCommand = SubmitCommand | UnsoundCommand | ({ readonly type: 'advance' } & ClockMark);

export interface CommandContext {
  readonly rules: SubmissionRules;
  readonly lines: Lines;
  newId(): string;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

type Rejection = Pick<DataOf<'SlipRejected'>, 'rule' | 'detail' | 'field' | 'firstSlipId'>;

/** A command with the id of the slip that its answer is about. */
interface Candidate {
  readonly command: SubmitCommand | UnsoundCommand;
  readonly slipId: string;
  readonly decision: SubmissionDecision | { readonly accepted: false; readonly rejection: Rejection };
}

/**
 * Handles a batch of commands of one partition, in order, in the consumer's transaction. Each is answered by one event that
 * names it, however often it comes: by SlipSubmitted, or by SlipRejected under a slip id of its own, which leaves the reference
 * free for a corrected one.
 */
export async function submitCommands(
  context: CommandContext,
  tx: IntakeTx,
  batch: { readonly partition: number; readonly commands: readonly InboundCommand[] },
): Promise<void> {
  const { partition, commands } = batch;
  const named = new Set(commands.map(({ clock }) => clock).filter((clock) => !isLive(clock)));
  const closed = new Set(named.size > 0 ? await tx.closedClocks(partition, [...named]) : []);
  const candidates: Candidate[] = [];
  const marks = new Map<string, ClockMark>();
  for (const command of commands) {
    if (command.type === 'advance') {
      marks.set(command.clock, later(marks.get(command.clock), command));
      if (command.closed) closed.add(command.clock);
    } else {
      candidates.push(judge(context, command, closed.has(command.clock)));
    }
  }
  if (candidates.length > 0) await answer(context, tx, candidates);
  if (marks.size > 0) await tx.advanceClocks(partition, [...marks.values()]);
}

function judge(
  { rules, lines, newId }: CommandContext,
  command: Candidate['command'],
  clockClosed: boolean,
): Candidate {
  const slipId = newId();
  if (command.type === 'unsound') {
    const [{ pointer }] = command.problems as [FieldProblem];
    const detail = command.problems.map((one) => `${one.pointer} ${one.detail}`).join('; ');
    return { command, slipId, decision: rejected({ rule: 'field_invalid', field: pointer, detail }) };
  }
  const waitMs = lines.expectedMs(command.submission.route);
  const circumstances = { ...command, clockClosed, waitMs, throttled: false, repeat: null };
  const decision = decideSubmission(command.submission, circumstances, rules);
  return { command, slipId, decision };
}

async function answer(context: CommandContext, tx: IntakeTx, given: readonly Candidate[]): Promise<void> {
  const { candidates, notAdded } = await insert(context, tx, given);
  const refused = new Map<Candidate, Rejection>();
  for (const candidate of candidates) {
    const rejection = rejectionOf(candidate, notAdded.get(candidate.slipId));
    if (rejection) refused.set(candidate, rejection);
  }
  const told = refused.size > 0 ? await tx.keepRefusals([...refused.keys()].map(toRefusal)) : new Set();
  const made = candidates.filter(({ slipId, decision }) => decision.accepted && !notAdded.has(slipId));
  const reviews = made.flatMap(reviewOf);
  if (reviews.length > 0) tx.insertReviews(reviews);
  tx.afterCommit(() => {
    for (const { command, decision } of made)
      if (command.type === 'submit' && decision.accepted && decision.review === null && isLive(command.clock))
        context.lines.accepted(
          command.submission.route,
          waitMsMax(command.submission, command.receivedAt, context.rules),
        );
  });
  const isMade = new Set(made);
  tx.publish(
    candidates.flatMap((candidate): PendingEvent[] => {
      const rejection = refused.get(candidate);
      if (rejection) return told.has(candidate.slipId) ? [pending(context, candidate, rejection)] : [];
      return isMade.has(candidate) ? acceptance(context, candidate) : [];
    }),
  );
}

function reviewOf({ command, slipId, decision }: Candidate): NewReview[] {
  if (!decision.accepted || decision.review === null || command.type !== 'submit') return [];
  const { deadline } = decision.event.data;
  return [{ ...decision.review, slipId, submission: command.submission, deadline }];
}

function acceptance(context: CommandContext, candidate: Candidate): PendingEvent[] {
  const { command, decision } = candidate;
  if (!decision.accepted) return [];
  const { event, review } = decision;
  const place = placeOf(context, candidate);
  const data = { ...event.data, commandId: command.id };
  const submitted: PendingEvent = { ...place, event: { ...event, data } };
  return review === null ? [submitted] : [submitted, { ...place, event: reviewRequested(review) }];
}

interface Inserted {
  readonly candidates: readonly Candidate[];
  /** By slip id: what stands in the way of those that were accepted and not added. */
  readonly notAdded: ReadonlyMap<string, NotAdded>;
}

/** Adds what was accepted; what turns out to be a repeat that people are to look at is judged again as that, and added. */
async function insert(
  context: CommandContext,
  tx: IntakeTx,
  candidates: readonly Candidate[],
): Promise<Inserted> {
  const notAdded = await insertAccepted(context, tx, candidates);
  const repeats = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const repeat = asRepeat(context, candidate, notAdded.get(candidate.slipId));
    if (repeat) repeats.set(candidate.slipId, repeat);
  }
  if (repeats.size === 0) return { candidates, notAdded };
  const again = await insertAccepted(context, tx, [...repeats.values()]);
  const others = [...notAdded].filter(([slipId]) => !repeats.has(slipId));
  return {
    candidates: candidates.map((candidate) => repeats.get(candidate.slipId) ?? candidate),
    notAdded: new Map([...others, ...again]),
  };
}

function asRepeat(
  { rules }: CommandContext,
  { command, slipId }: Candidate,
  notAdded: NotAdded | undefined,
): Candidate | null {
  const repeat = notAdded?.type === 'refused' ? repeatOf(notAdded.refusal, rules.gates) : null;
  if (repeat === null || command.type !== 'submit') return null;
  const circumstances = { ...command, clockClosed: false, waitMs: 0, throttled: false, repeat };
  return { command, slipId, decision: decideSubmission(command.submission, circumstances, rules) };
}

async function insertAccepted(
  { rules }: CommandContext,
  tx: IntakeTx,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, NotAdded>> {
  const slips = candidates.flatMap(({ command, slipId, decision }) => {
    if (!decision.accepted || command.type !== 'submit') return [];
    const { caller, reference, clock, digest, id: commandId, submission } = command;
    const gate = gateOf(submission, rules.gates);
    const passed = decision.review?.firstSlipId ? passingRepeats(gate) : gate;
    const status = decision.review ? ('in_review' as const) : ('submitted' as const);
    const slip = { slipId, caller, reference, clock, digest, commandId, status };
    return [{ ...slip, gate: isLive(clock) ? passed : null }];
  });
  return slips.length > 0 ? tx.insertSlips(slips) : new Map();
}

/** null: it is accepted, or a repeat of a command that was answered. */
function rejectionOf({ command, decision }: Candidate, notAdded: NotAdded | undefined): Rejection | null {
  if (!decision.accepted) return 'rejection' in decision ? decision.rejection : ofRefusal(decision.refusal);
  switch (notAdded?.type) {
    case 'refused':
      return ofRefusal(notAdded.refusal);
    case 'taken':
      return isAnswered(command, notAdded) ? null : ofHolder(command, notAdded);
    default:
      return null;
  }
}

function ofRefusal({ rule, field, detail, firstSlipId = null }: Refusal): Rejection {
  return { rule, field: `/${field}`, detail, firstSlipId };
}

function ofHolder({ reference, clock }: CommandHead, holder: SlipOfReference): Rejection {
  const { slipId: firstSlipId } = holder;
  const field = '/reference';
  if (holder.clock !== clock) {
    const detail = `The reference ${reference} is bound to another clock.`;
    return { rule: 'reference_on_other_clock', field, detail, firstSlipId };
  }
  const detail = `The slip ${firstSlipId} has the reference ${reference} already.`;
  return { rule: 'reference_taken', field, detail, firstSlipId };
}

/** By the slip that it made; slips of imports from before commands were kept have no command's id. */
function isAnswered({ id, clock }: CommandHead, holder: SlipOfReference): boolean {
  return holder.clock === clock && (holder.commandId === id || (holder.commandId === null && !isLive(clock)));
}

function pending(context: CommandContext, candidate: Candidate, rejection: Rejection): PendingEvent {
  const { caller, reference, id: commandId } = candidate.command;
  const data = { caller, reference, ...rejection, commandId };
  return { ...placeOf(context, candidate), event: { type: 'SlipRejected', data } };
}

function placeOf({ partitionOf }: CommandContext, { command, slipId }: Candidate) {
  const { clock, receivedAt, traceparent } = command;
  return { slipId, partition: partitionOf(slipId), clock, receivedAt, traceparent };
}

function toRefusal({ command: { caller, reference, id }, slipId }: Candidate) {
  return { caller, reference, commandId: id, slipId };
}

function rejected(rejection: Rejection): { readonly accepted: false; readonly rejection: Rejection } {
  return { accepted: false, rejection };
}

function later(known: ClockMark | undefined, { clock, time, closed }: ClockMark): ClockMark {
  if (!known) return { clock, time, closed };
  return { clock, time: known.time > time ? known.time : time, closed: known.closed || closed };
}
