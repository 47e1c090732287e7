import type { DataSource } from 'typeorm';

/** Connections of a pool now. */
export interface PoolUse {
  readonly busy: number;
  readonly idle: number;
  /** Those who wait for one. */
  readonly waiting: number;
}

interface Pool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export function poolUse({ driver }: DataSource): PoolUse {
  // TypeORM keeps pg's pool there, and does not say so in its types.
  const { totalCount, idleCount, waitingCount } = (driver as unknown as { readonly master: Pool }).master;
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
}
