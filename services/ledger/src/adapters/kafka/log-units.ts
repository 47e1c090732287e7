import type { EventWalk, Span, UnitHandler, UnitWork } from '@slipstream/kafka';
import { isSlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { LogRecord } from '../../domain/log/follow.ts';
import type { EventsHandler } from './events-handler.ts';
import { readLogValue } from './read-log-record.ts';

/** Of one transaction: what was read is kept until it is written. */
const recordsMax = 4_000;

/**
 * Records of several partitions in one transaction: they are decoded while the unit before is committed, and folded when
 * their own is. Nothing outlives a unit but the ids of accounts, and those no claim of the partition.
 */
export class LogUnits implements UnitHandler<Tx> {
  readonly recordsMax = recordsMax;
  readonly #handler: EventsHandler;
  readonly #read = new Map<number, LogRecord[]>();

  constructor(handler: EventsHandler) {
    this.#handler = handler;
  }

  async open(): Promise<void> {}

  close(partition: number): void {
    this.#read.delete(partition);
    this.#handler.forget(partition);
  }

  begin(): void {}

  take(partition: number, { offset, bytes, valueAt, valueLength }: EventWalk): boolean {
    try {
      const record = readLogValue({ partition, offset }, bytes.subarray(valueAt, valueAt + valueLength));
      const read = this.#read.get(partition);
      if (read) read.push(record);
      else this.#read.set(partition, [record]);
      return true;
    } catch (error) {
      // `handle` reads it again and says what becomes of it.
      if (isSlipstreamError(error)) return false;
      throw error;
    }
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const { ledgerTx, recordBatch, outbound } = this.#handler;
    const records = spans.flatMap(({ position: { partition } }) => {
      const read = this.#read.get(partition) ?? [];
      this.#read.delete(partition);
      return read;
    });
    return {
      async write(tx) {
        const answers = await recordBatch(ledgerTx(tx), { records, resent: [] });
        tx.publish(answers.map((answer) => outbound(answer)));
      },
    };
  }
}
