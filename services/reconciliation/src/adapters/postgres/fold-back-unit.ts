import { decodeSlipEvent, encodeSlipEvent, type Source, stampEnvelope } from '@slipstream/contracts';
import type { Money } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { RecordedEvent } from '@slipstream/slip';
import type { FoldBackUnit, Undecided } from '../../application/fold-back.ts';
import type { Unit } from '../../application/ports.ts';
import { foldAct } from './fold-act.ts';
import { foldStatementEvent } from './fold-statement-event.ts';
import { addSpent } from './repair-spent.ts';
import { saveChanges } from './save-changes.ts';

const ofSlipsSql = 'select event, awaited from undecided where slip_id = any($1::text[]) order by n';
const forgetSql = 'delete from undecided where slip_id = any($1::text[])';
const keepSql = `
insert into undecided (partition, slip_id, awaited, event)
select $1, u.slip_id, u.awaited::json, u.event from unnest($2::text[], $3::text[], $4::bytea[]) with ordinality
  as u(slip_id, awaited, event, place) order by u.place`;

const partitionsSql = 'select distinct partition from undecided where partition = any($1::int[])';

const takeSql = `
with taken as (
  delete from undecided where n in (select n from undecided where partition = $1 order by n limit 1000)
  returning n, event, awaited
)
select event, awaited from taken order by n`;

interface UndecidedRow {
  readonly event: Buffer;
  readonly awaited: readonly string[];
}

/** What is done in one transaction on a partition of which the database lacks events of our own. */
export function foldBackUnit(tx: Tx, partition: number, { byId, noteReturns, spent }: Unit): FoldBackUnit {
  return {
    ...{ byId, noteReturns },
    keep: (changes) => saveChanges(tx, changes, false),
    async spendThen(all) {
      // Nobody else reads or takes of it meanwhile.
      await spent();
      const ofMinutes = Map.groupBy(all, ({ at }) => at.slice(0, 16));
      for (const some of ofMinutes.values()) {
        const refunds = some.flatMap((one): (Money | null)[] => [...one.refunds]);
        addSpent(tx, refunds, some.filter(({ isOwnTrouble }) => isOwnTrouble).length, some[0]!.at);
      }
    },
    acted: (recorded) => foldAct(tx, recorded, partition),
    toldOfStatements: (recorded) => foldStatementEvent(tx, recorded),
    async undecided(slipIds) {
      return (await tx.query<UndecidedRow>(ofSlipsSql, [slipIds])).map(toUndecided);
    },
    keepUndecided(slipIds, undecided) {
      tx.send(forgetSql, [slipIds]);
      if (undecided.length === 0) return;
      tx.send(keepSql, [
        partition,
        undecided.map(({ recorded }) => recorded.slipId),
        undecided.map(({ awaited }) => JSON.stringify(awaited)),
        undecided.map(({ recorded }) => toBytes(recorded)),
      ]);
    },
  };
}

/** Those of the partitions on which something that was folded back is undecided. */
export async function withUndecided(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const rows = await unitOfWork.query<{ partition: number }>(partitionsSql, [partitions]);
  return rows.map(({ partition }) => partition);
}

/** A page of it, which is decided with this transaction. */
export async function takeUndecided(tx: Tx, partition: number): Promise<readonly Undecided[]> {
  return (await tx.query<UndecidedRow>(takeSql, [partition])).map(toUndecided);
}

function toUndecided({ event, awaited }: UndecidedRow): Undecided {
  return { recorded: decodeSlipEvent(event), awaited };
}

function toBytes({ id, source, slipId, clock, event, sequence, time, receivedTime }: RecordedEvent): Buffer {
  const body = encodeSlipEvent({ id, source: source as Source, subject: slipId, clock }, event);
  return stampEnvelope(body, { sequence: String(sequence), time, receivedTime });
}
