import { topics } from '@slipstream/contracts';
import { must } from '@slipstream/kernel';
import { advanceClocks, closedClocks, type OutboundRecord, type Tx } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import type { IntakeTx, NewSlip, NotAdded } from '../../application/ports.ts';
import { type GateWord, gateRefusal } from '../../domain/submission/gates.ts';
import { gateRow, knownOnly } from './gate-rows.ts';
import { writeReview } from './review-rows.ts';
import * as sql from './statements.ts';

const inbound = topics.commands.name;

/** The port over one transaction of libs/postgres; `encode` makes an event's outbox record. */
export function intakeTx(tx: Tx, encode: (event: PendingEvent) => OutboundRecord): IntakeTx {
  return {
    insertSlips: (slips) => insertSlips(tx, slips),
    async keepRefusals(refused) {
      const rows = refused.map(({ commandId, slipId, ...rest }) => {
        return { ...rest, command_id: commandId, slip_id: slipId };
      });
      const kept = await tx.query<{ slip_id: string }>(
        sql.keepRefusalsSql,
        sql.refusalColumns.parameters(rows),
      );
      return new Set(kept.map(({ slip_id }) => slip_id));
    },
    insertReviews: (reviews) =>
      tx.send(
        sql.insertReviewsSql,
        sql.reviewRows.parameters(reviews.map((review) => ({ review: writeReview(review) }))),
      ),
    closedClocks: (partition, clocks) => closedClocks(tx, inbound, partition, clocks),
    advanceClocks: (partition, marks) =>
      advanceClocks(
        tx,
        inbound,
        marks.map((mark) => ({ ...mark, partition })),
      ),
    publish: (events) => tx.publish(events.map(encode)),
    afterCommit: (then) => tx.afterCommit(then),
  };
}

interface LostRow {
  lost: string;
  /** The gate's that stops it; `slip_id` is then the slip that is in the way. */
  rule: GateWord | null;
  slip_id: string | null;
  clock: string;
  command_id: string | null;
  was_refused: boolean;
}

async function insertSlips(tx: Tx, slips: readonly NewSlip[]): Promise<ReadonlyMap<string, NotAdded>> {
  const rows = slips.map(({ slipId, commandId, gate, ...slip }) => {
    // Of one in review a second event is said at once.
    const version = slip.status === 'in_review' ? 2 : 1;
    return { ...slip, slip_id: slipId, version, command_id: commandId, ...gateRow(gate) };
  });
  const lost = await tx.query<LostRow>(sql.insertSlipsSql, [
    knownOnly(slips.map(({ gate }) => gate)),
    ...sql.slipColumns.parameters(rows),
  ]);
  const byId = new Map(slips.map((slip) => [slip.slipId, slip]));
  const notAdded = new Map<string, NotAdded>();
  const unknown: NewSlip[] = [];
  const stopped: string[] = [];
  for (const row of lost) {
    const slip = must(byId.get(row.lost), 'only these slips are told');
    const why = whyNot(slip, row);
    if (why) notAdded.set(row.lost, why);
    else unknown.push(slip);
    if (row.rule !== null) stopped.push(row.lost);
  }
  if (stopped.length > 0) tx.send(sql.deleteSlipsSql, [stopped]);
  return unknown.length > 0 ? new Map([...notAdded, ...(await lookAgain(tx, unknown))]) : notAdded;
}

/** null: only a second look can tell. */
function whyNot({ gate }: NewSlip, row: LostRow): NotAdded | null {
  const { rule, slip_id, clock, command_id, was_refused } = row;
  if (rule !== null) return { type: 'refused', refusal: gateRefusal(rule, gate!, slip_id) };
  if (slip_id !== null) return { type: 'taken', slipId: slip_id, clock, commandId: command_id };
  return was_refused ? { type: 'answered' } : null;
}

/**
 * What took the references is somebody of the same statement, or who committed while it waited: a second look sees both. If it
 * was stopped at the gates meanwhile, the references are free again.
 */
async function lookAgain(tx: Tx, slips: readonly NewSlip[]): Promise<ReadonlyMap<string, NotAdded>> {
  const found = new Map((await slipsOf(tx, slips)).map((row) => [keyOf(row), row]));
  const holders = slips.flatMap((slip): [string, NotAdded][] => {
    const row = found.get(keyOf(slip));
    if (!row) return [];
    return [
      [slip.slipId, { type: 'taken', slipId: row.slip_id, clock: row.clock, commandId: row.command_id }],
    ];
  });
  const free = slips.filter((slip) => !found.has(keyOf(slip)));
  return new Map([...holders, ...(free.length > 0 ? await insertSlips(tx, free) : [])]);
}

interface HolderRow {
  slip_id: string;
  caller: string;
  reference: string;
  clock: string;
  command_id: string | null;
}

function slipsOf(tx: Tx, slips: readonly NewSlip[]): Promise<HolderRow[]> {
  return tx.query<HolderRow>(sql.slipsOfReferencesSql, [
    slips.map(({ caller }) => caller),
    slips.map(({ reference }) => reference),
  ]);
}

/** Neither has a line break in it. */
function keyOf({ caller, reference }: { caller: string; reference: string }): string {
  return `${caller}\n${reference}`;
}
