import { type Instant, type Money, type MoneyJson, moneyToJson } from '@slipstream/kernel';
import { type SlipKind, type SlipState, serializeState } from '@slipstream/slip';
import type { SlipChange, SlipInBooks, StoredSlip } from '../../application/ports.ts';
import { type Hold, type HoldStatus, isWhole, wholly } from '../../domain/hold/hold.ts';
import { type FollowedSlip, statusOf } from '../../domain/log/follow.ts';
import { type Stand, type StateRow, snapshotVersionOf, stateColumns } from './slip-states.ts';
import { rareColumns } from './tables.ts';

/** Where nearly all slips are or were: the rest can be listed by status without reading these. */
export const usualStatuses: ReadonlySet<string> = new Set([
  'submitted',
  'held',
  'dispatching',
  'acknowledged',
  'returned',
  'settled',
]);

export interface SlipRow extends StateRow {
  readonly partition: number;
  readonly clock: string;
  readonly listed_at: Instant;
  readonly first_offset: string | null;
  readonly hold_status: HoldStatus | null;
  readonly hold_terms: string | null;
  readonly entries: number;
}

/**
 * The slip was settled, and succeeded, after its row was written: only a settlement lets the row of one with an entry wait
 * ({@link mayLag}).
 */
export const settledSince = `(slip.entries = 1 and exists (
  select from entry e where e.slip_id = slip.id and e.n = 2 and e.type = 'settle'))`;

export const loadSql = `
select id, partition, clock, listed_at, first_offset, hold_terms, ${stateColumns},
  case when settled then 'settled' else hold_status end as hold_status,
  case when settled then 2 else entries end as entries
from slip, lateral (select ${settledSince} as settled) as since where id = any($1::text[])`;

type SlipRowWritten = ReturnType<typeof slipRow>;

/** A slip as its row has it, for a new row as for a change. */
export function slipRow({ slip, hold, entries, snapshotAt }: SlipInBooks) {
  const { state } = slip;
  const status: string = statusOf(slip);
  return {
    id: slip.slipId,
    partition: slip.partition,
    clock: slip.clock,
    reference: state?.reference ?? null,
    account: state?.account ?? null,
    counterparty: state?.counterparty ?? null,
    provider: state?.provider ?? null,
    kind: state?.kind ?? null,
    status,
    rare_status: usualStatuses.has(status) ? null : status,
    outcome: state?.outcome ?? null,
    cause_class: state?.cause?.class ?? null,
    cause_code: state?.cause?.code ?? null,
    amount: state?.amount?.amount ?? null,
    currency: state?.amount?.currency ?? null,
    listed_at: slip.listedAt,
    first_offset: slip.firstOffset,
    confirmed_at: confirmedAt(slip),
    caller: state?.caller ?? null,
    route: state?.route ?? null,
    case_status: state?.case?.status ?? null,
    deadline: state?.deadline ?? null,
    overdue: state?.overdue ?? false,
    not_returned: state?.overdue === true && state.outcome === null,
    version: slip.version,
    position: slip.position,
    waits_from: slip.waitsFrom,
    snapshot: state !== null && snapshotAt === slip.version ? serializeState(state) : null,
    snapshot_version: snapshotAt,
    chain: slip.chain,
    hold_status: hold?.status ?? null,
    hold_terms: hold === null || isAsItsSlip(hold, state) ? null : writeTerms(hold),
    entries,
  };
}

/** When it was submitted, if that was not its first event. */
function confirmedAt({ state, listedAt }: FollowedSlip): Instant | null {
  const submittedAt = state?.submittedAt ?? null;
  return submittedAt === listedAt ? null : submittedAt;
}

/** Whether two rows of a slip differ in what changes at nearly every event only. */
export function differsUsually(one: SlipRowWritten, other: SlipRowWritten): boolean {
  if (one.snapshot !== null) return false;
  return rareColumns.every(
    (name) => one[name as keyof SlipRowWritten] === other[name as keyof SlipRowWritten],
  );
}

/** Of these the log says where they stand, and lists ask it; a slip of any other status has it in its row. */
export const underWay: ReadonlySet<string> = new Set([
  'submitted',
  'held',
  'dispatching',
  'acknowledged',
  'returned',
]);

/**
 * Whether the row says all that it must: only where the slip stands has changed, and that is told by the log; or it was
 * settled, which its second entry tells until the slip's last event comes.
 */
export function mayLag(change: SlipChange): boolean {
  const { slip, hold, entries, snapshotAt, before } = change;
  if (before === null || snapshotAt !== before.snapshotAt || snapshotAt === slip.version) return false;
  const { state, waitsFrom, clock, listedAt } = slip;
  const was = before.slip;
  if (state === null || was.state === null || waitsFrom !== null || was.waitsFrom !== null) return false;
  if (!underWay.has(state.status) || !underWay.has(was.state.status)) return false;
  if (clock !== was.clock || listedAt !== was.listedAt || !showsTheSame(state, was.state)) return false;
  if (hold?.status === before.hold?.status && entries === before.entries)
    return state.outcome === was.state.outcome;
  return isSettlement(change, before);
}

/** Facts that a row shows, or guards a decision by; but the outcome. Written out: it runs for every event. */
function showsTheSame(state: SlipState, was: SlipState): boolean {
  return (
    state.reference === was.reference &&
    state.account === was.account &&
    state.counterparty === was.counterparty &&
    state.provider === was.provider &&
    state.kind === was.kind &&
    state.cause === was.cause &&
    state.case === was.case &&
    state.submittedAt === was.submittedAt &&
    state.amount === was.amount &&
    state.deadline === was.deadline &&
    state.overdue === was.overdue
  );
}

/** What {@link settledSince} finds, and nothing besides. A slip that was overdue stops being counted by its row. */
function isSettlement({ slip: { state }, hold, entries }: SlipChange, before: StoredSlip): boolean {
  if (before.hold?.status !== 'held' || hold?.status !== 'settled') return false;
  if (before.entries !== 1 || entries !== 2 || !isWhole(hold)) return false;
  return before.slip.state?.outcome === null && state?.outcome === 'succeeded' && !state.overdue;
}

export function toStored(row: SlipRow, { state, version, position, chain }: Stand): StoredSlip {
  return {
    slip: {
      ...{ slipId: row.id, partition: row.partition, version, position, chain },
      waitsFrom: row.waits_from === null ? null : Number(row.waits_from),
      clock: row.clock,
      firstOffset: row.first_offset === null ? 0 : Number(row.first_offset),
      listedAt: row.listed_at,
      state,
    },
    hold: row.hold_status === null ? null : toHold(row, row.hold_status, state),
    entries: row.entries,
    snapshotAt: snapshotVersionOf(row),
    writtenAt: Number(row.version),
  };
}

type HoldTerms = Omit<Hold, 'slipId' | 'status' | 'executed' | 'references'>;

/** Whether its status and the slip's terms say all of it. */
function isAsItsSlip(hold: Hold, slip: SlipState | null): boolean {
  if (!isWhole(hold)) return false;
  if (slip === null || hold.clock !== slip.clock || hold.kind !== slip.kind) return false;
  if (hold.account !== slip.account || hold.counterparty !== slip.counterparty) return false;
  return hold.amount?.amount === slip.amount?.amount && hold.amount?.currency === slip.amount?.currency;
}

/** null: the slip has none yet. */
function termsOf({ clock, kind, account, counterparty, amount }: SlipState): HoldTerms | null {
  if (kind === null || account === null || counterparty === null) return null;
  return { clock, kind, account, counterparty, amount };
}

interface WrittenTerms {
  readonly clock: string;
  readonly kind: SlipKind;
  readonly account: string;
  readonly counterparty: string;
  readonly amount: string | null;
  readonly currency: string | null;
  /** Not there: all that the status says. */
  readonly executed?: string;
  readonly references?: readonly string[];
  readonly partsBack?: readonly string[];
}

function writeTerms(hold: Hold): string {
  const { clock, kind, account, counterparty, amount, executed, references, partsBack } = hold;
  const money: MoneyJson | null = amount && moneyToJson(amount);
  const written: WrittenTerms = {
    ...{ clock, kind, account, counterparty },
    amount: money?.amount ?? null,
    currency: money?.currency ?? null,
    ...(isWhole(hold) ? {} : { executed: executed.toString(), references }),
    ...(partsBack && { partsBack }),
  };
  return JSON.stringify(written);
}

function toHold({ id, hold_terms }: SlipRow, status: HoldStatus, state: SlipState | null): Hold {
  if (hold_terms === null) {
    const terms = state && termsOf(state);
    if (terms === null) throw new Error(`slip ${id} has a hold and no terms`);
    return { slipId: id, ...terms, status, executed: wholly(status, terms.amount), references: [] };
  }
  const {
    amount,
    currency,
    executed,
    references = [],
    partsBack,
    ...terms
  } = JSON.parse(hold_terms) as WrittenTerms;
  const money: Money | null =
    amount === null || currency === null ? null : { amount: BigInt(amount), currency };
  const booked = executed === undefined ? wholly(status, money) : BigInt(executed);
  const back = partsBack && { partsBack };
  return { slipId: id, ...terms, amount: money, status, executed: booked, references, ...back };
}
