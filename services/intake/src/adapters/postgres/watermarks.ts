import { topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import { type ClockBound, runningClocks, type UnitOfWork } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import { openSql } from './statements.ts';

const { name: inbound, partitions } = topics.commands;

/**
 * How far intake may vouch for each clock (rule 6): the wall clock until everything received on the inbound topic is
 * handled; an import's clock until its importer has advanced all partitions.
 */
export async function clockBounds(
  unitOfWork: UnitOfWork,
  barrier: { bound(): Promise<Instant> },
): Promise<readonly ClockBound[]> {
  const wall = { clock: wallClock, time: await barrier.bound(), closed: false };
  const running = await runningClocks(unitOfWork, inbound);
  const everywhere = running.filter((one) => one.partitions === partitions);
  return [wall, ...everywhere.map(({ clock, time, closed }) => ({ clock, time, closed }))];
}

/** Whether somebody may be waiting for intake's watermark: a slip came within a minute, or an import is going on. */
export async function isOpen(unitOfWork: UnitOfWork): Promise<boolean> {
  const [row] = await unitOfWork.query<{ open: boolean }>(openSql, [inbound]);
  return row!.open;
}
