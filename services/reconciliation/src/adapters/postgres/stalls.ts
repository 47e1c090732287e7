import type { UnitOfWork } from '@slipstream/postgres';
import type { Stall } from '../../domain/diagnosis/stalls.ts';

const keptSql = `select service, since as from, until from stall order by until desc limit 1000`;

const keepSql = `
insert into stall (service, since, until) select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
on conflict do nothing`;

/** The stalls of the last day, the oldest first: a slip that missed its deadline is diagnosed within minutes of it. */
export async function keptStalls(unitOfWork: UnitOfWork): Promise<Stall[]> {
  return (await unitOfWork.query<Stall>(keptSql)).reverse();
}

export async function keepStalls(unitOfWork: UnitOfWork, stalls: readonly Stall[]): Promise<void> {
  await unitOfWork.query(keepSql, [
    stalls.map(({ service }) => service),
    stalls.map(({ from }) => from),
    stalls.map(({ until }) => until),
  ]);
}
