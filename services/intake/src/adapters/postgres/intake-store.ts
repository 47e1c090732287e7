import type { OutboundRecord, UnitOfWork } from '@slipstream/postgres';
import type { EventPosition, EventToRecord, IntakeStore } from '../../application/ports.ts';
import { intakeTx } from './intake-tx.ts';

/** Runs intake's own transactions. */
export function intakeStore(
  unitOfWork: UnitOfWork,
  encode: (event: EventToRecord) => OutboundRecord,
): IntakeStore {
  return {
    async run(work) {
      const published: { slipId: string; partition: number }[] = [];
      const { result, stamps } = await unitOfWork.runStamped((tx) =>
        work(
          intakeTx(tx, (event) => {
            const record = encode(event);
            published.push({ slipId: event.slipId, partition: record.partition });
            return record;
          }),
        ),
      );
      const positions = new Map<string, EventPosition>(
        published.map(({ slipId, partition }, index) => [slipId, { partition, ...stamps[index]! }]),
      );
      return { result, positions };
    },
  };
}
