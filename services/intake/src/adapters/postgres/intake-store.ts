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
      const published: string[] = [];
      const { result, stamps } = await unitOfWork.runStamped((tx) =>
        work(
          intakeTx(
            tx,
            (event) => {
              published.push(event.slipId);
              return encode(event);
            },
            limits,
          ),
        ),
      );
      const positions = new Map<string, EventPosition>(
        published.map((slipId, index) => [slipId, stamps[index]!]),
      );
      return { result, positions };
    },
  };
}
