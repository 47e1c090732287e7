import { escalated, type SlipEvent } from '@slipstream/slip';
import { type ActionAnswer, approveRefund, decideAction, declineRefund } from '../../domain/case/act.ts';
import { requestedByItself } from '../../domain/repair/budget.ts';
import type { WatchedSlip } from '../../domain/watch/watched-slip.ts';
import { advance, type Change, type Means, unchanged } from '../advance.ts';
import type { ActionDesk, ActionsUnit, DoneAction, WaitingAction } from './ports.ts';

export interface ActionsParts {
  readonly desk: ActionDesk;
  means(): Means;
  /** The partitions that this instance owns. */
  partitions(): readonly number[];
  /** Runs `work` in a fenced transaction; false when the partition is no longer ours. */
  inPartition(partition: number, work: (unit: ActionsUnit) => Promise<void>): Promise<boolean>;
}

/**
 * Does what people asked for, on the partitions owned, in the order in which they asked. Whoever owns a partition decides
 * about its slips, and nobody else: so an action meets no event and no other action half way. Gives how many were done.
 */
export async function takeActions({ desk, means, partitions, inPartition }: ActionsParts): Promise<number> {
  let done = 0;
  for (const partition of await desk.withWaiting(partitions())) {
    await inPartition(partition, async (to) => {
      const waiting = await to.waiting(partition);
      const slips = await slipsOf(to, waiting);
      const taken = waiting.map((one) => take(one, slips.get(one.slipId)));
      const changes = taken.flatMap(({ slip, answer }) => carriedOut(slip, answer, to, means()));
      if (changes.length > 0) await to.unit.save(changes);
      to.answer(taken.map(({ id, answer, status }) => toDone(id, answer, status)));
      done += taken.length;
    });
  }
  return done;
}

/** Tells people once of each case that nobody has closed in time. */
export async function escalateCases(
  { means, partitions, inPartition }: Omit<ActionsParts, 'desk'>,
  due: (partitions: readonly number[]) => Promise<readonly number[]>,
  afterMs: number,
): Promise<void> {
  for (const partition of await due(partitions())) {
    await inPartition(partition, async (to) => {
      const slips = await to.unit.byId(await to.toEscalate(partition, afterMs));
      const changes = slips.flatMap((slip) => {
        const events = escalation(slip);
        return carriedOut(slip, { type: 'done', events }, to, means());
      });
      if (changes.length > 0) await to.unit.save(changes);
    });
  }
}

function escalation({ state }: WatchedSlip): SlipEvent[] {
  if (state.case?.status !== 'open' || state.case.escalatedAt !== null) return [];
  const { assignee, openedAt } = state.case;
  const whose = assignee === null ? 'nobody looks after it' : `${assignee} looks after it`;
  const text = `Open since ${openedAt}, and ${whose}.`;
  return [{ type: 'CaseNoted', data: { by: requestedByItself, code: escalated, text } }];
}

async function slipsOf(
  { unit }: ActionsUnit,
  waiting: readonly WaitingAction[],
): Promise<ReadonlyMap<string, WatchedSlip>> {
  const known = await unit.byId(waiting.map(({ slipId }) => slipId).sort());
  return new Map(known.map((slip) => [slip.state.slipId, slip]));
}

interface Taken {
  readonly id: string;
  readonly slip: WatchedSlip | undefined;
  readonly answer: ActionAnswer;
  /** Where it stands when it is not refused. */
  readonly status: DoneAction['status'];
}

function take(waiting: WaitingAction, slip: WatchedSlip | undefined): Taken {
  const { id, decision } = waiting;
  const answer = answerTo(waiting, slip);
  const isDeclined = decision?.type === 'decline' && answer.type === 'done';
  const status = isDeclined ? 'declined' : answer.type;
  return { id, slip, answer, status };
}

function answerTo(waiting: WaitingAction, slip: WatchedSlip | undefined): ActionAnswer {
  const { decision, ifVersion, version, proposed } = waiting;
  // Its case was closed, and nothing that may still come matters.
  if (slip === undefined) return { type: 'refused', code: 'conflict', detail: 'Its case is closed.' };
  if (decision?.type === 'decline') return declineRefund(decision.by, decision.note);
  if (decision !== null) return approveRefund(slip, waiting, decision.by);
  if (ifVersion !== null && ifVersion !== version)
    return { type: 'refused', code: 'version_mismatch', detail: `The case is at version "${version}".` };
  return decideAction(slip, waiting, proposed);
}

function carriedOut(
  slip: WatchedSlip | undefined,
  answer: ActionAnswer,
  { now }: ActionsUnit,
  means: Means,
): Change[] {
  if (slip === undefined || answer.type === 'refused' || answer.events.length === 0) return [];
  return [advance(unchanged(slip), { type: 'people_decided', events: answer.events }, now, means)];
}

function toDone(id: string, answer: ActionAnswer, status: DoneAction['status']): DoneAction {
  if (answer.type === 'refused') {
    const { code, detail } = answer;
    return { id, status: 'refused', events: [], refusal: { code, detail } };
  }
  return { id, status, events: answer.events, refusal: null };
}
