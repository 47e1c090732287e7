import type { UnitOfWork } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';

const openSql = `select exists (select from slip where clock = '${wallClock}' and hold_status = 'held') as open`;
const recentMs = 30_000;

/** Tells whether a slip may be waiting for the ledger's word: one is held, or events came within the last 30 s. */
export class OpenSlips {
  readonly #unitOfWork: UnitOfWork;
  #lastBatchMs = Number.NEGATIVE_INFINITY;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  readonly sawBatch = (): void => {
    this.#lastBatchMs = performance.now();
  };

  readonly any = async (): Promise<boolean> => {
    if (performance.now() - this.#lastBatchMs < recentMs) return true;
    const [row] = await this.#unitOfWork.query<{ open: boolean }>(openSql);
    return row!.open;
  };
}
