import type { OutboundRecord, UnitOfWork } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import type { EventPosition, IntakeStore } from '../../application/ports.ts';
import { intakeTx } from './intake-tx.ts';

/** Runs intake's own transactions. */
export function intakeStore(
  unitOfWork: UnitOfWork,
  encode: (event: PendingEvent) => OutboundRecord,
): IntakeStore {
  return {
    async run(work, limits) {
      const published: { slipId: string; partition: number }[] = [];
      const { result, stamps } = await unitOfWork.runStamped((tx) =>
        work(
          intakeTx(
            tx,
            (event) => {
              const record = encode(event);
              published.push({ slipId: event.slipId, partition: record.partition });
              return record;
            },
            limits,
          ),
        ),
      );
      const positions = new Map<string, EventPosition>(
        published.map(({ slipId, partition }, index) => [slipId, { partition, ...stamps[index]! }]),
      );
      return { result, positions };
    },
  };
}
