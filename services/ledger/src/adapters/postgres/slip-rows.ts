import { type Instant, type Money, type MoneyJson, moneyToJson } from '@slipstream/kernel';
import { type SlipKind, type SlipState, serializeState } from '@slipstream/slip';
import type { SlipChange, SlipInBooks, StoredSlip } from '../../application/ports.ts';
import type { Hold, HoldStatus } from '../../domain/hold/hold.ts';
import { statusOf } from '../../domain/log/follow.ts';
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
  readonly hold_status: HoldStatus | null;
  readonly hold_terms: string | null;
  readonly entries: number;
}

export const loadSql = `
select id, partition, clock, listed_at, hold_status, hold_terms, entries, ${stateColumns}
from slip where id = any($1::text[])`;

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
    hold_terms: hold === null || isOnSlipsTerms(hold, state) ? null : writeTerms(hold),
    entries,
  };
}

/** Whether two rows of a slip differ in what changes at nearly every event only. */
export function differsUsually(one: SlipRowWritten, other: SlipRowWritten): boolean {
  if (one.snapshot !== null) return false;
  return rareColumns.every(
    (name) => one[name as keyof SlipRowWritten] === other[name as keyof SlipRowWritten],
  );
}

/** Of these the log says where they stand, and lists ask it; a slip of any other status has it in its row. */
export const underWay: ReadonlySet<string> = new Set(['submitted', 'held', 'dispatching', 'acknowledged']);

/** Facts that a row shows, or guards a decision by. */
const shown = [
  ...(['reference', 'account', 'counterparty', 'provider', 'kind', 'outcome'] as const),
  ...(['cause', 'amount', 'deadline', 'overdue'] as const),
];

/** Whether the row says all that it must: only where the slip stands has changed, and that is told by the log. */
export function mayLag({ slip, hold, entries, snapshotAt, before }: SlipChange): boolean {
  if (before === null || hold?.status !== before.hold?.status || entries !== before.entries) return false;
  if (snapshotAt !== before.snapshotAt || snapshotAt === slip.version) return false;
  const { state, waitsFrom, clock, listedAt } = slip;
  const was = before.slip;
  if (state === null || was.state === null || waitsFrom !== null || was.waitsFrom !== null) return false;
  if (!underWay.has(state.status) || !underWay.has(was.state.status)) return false;
  if (clock !== was.clock || listedAt !== was.listedAt) return false;
  for (const fact of shown) if (state[fact] !== was.state[fact]) return false;
  return true;
}

export function toStored(row: SlipRow, { state, version, position, chain }: Stand): StoredSlip {
  return {
    slip: {
      ...{ slipId: row.id, partition: row.partition, version, position, chain },
      waitsFrom: row.waits_from === null ? null : Number(row.waits_from),
      clock: row.clock,
      listedAt: row.listed_at,
      state,
    },
    hold: row.hold_status === null ? null : toHold(row, row.hold_status, state),
    entries: row.entries,
    snapshotAt: snapshotVersionOf(row),
    writtenAt: Number(row.version),
  };
}

type HoldTerms = Omit<Hold, 'slipId' | 'status'>;

function isOnSlipsTerms(hold: Hold, slip: SlipState | null): boolean {
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
}

function writeTerms({ clock, kind, account, counterparty, amount }: HoldTerms): string {
  const money: MoneyJson | null = amount && moneyToJson(amount);
  const written: WrittenTerms = {
    ...{ clock, kind, account, counterparty },
    amount: money?.amount ?? null,
    currency: money?.currency ?? null,
  };
  return JSON.stringify(written);
}

function toHold({ id, hold_terms }: SlipRow, status: HoldStatus, state: SlipState | null): Hold {
  if (hold_terms === null) {
    const terms = state && termsOf(state);
    if (terms === null) throw new Error(`slip ${id} has a hold and no terms`);
    return { slipId: id, ...terms, status };
  }
  const { amount, currency, ...terms } = JSON.parse(hold_terms) as WrittenTerms;
  const money: Money | null =
    amount === null || currency === null ? null : { amount: BigInt(amount), currency };
  return { slipId: id, ...terms, amount: money, status };
}
