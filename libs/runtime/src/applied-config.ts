import { topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import type { UnitOfWork } from '@slipstream/postgres';
import { Loop } from './loop.ts';
import { type Origin, outboundOpsEvent } from './outbound-event.ts';
import type { OwnLogGate } from './own-log-gate.ts';

export interface AppliedConfigOptions extends Origin {
  /** The service's name. */
  readonly service: string;
  /** Of its rules. */
  readonly digest: string;
  readonly unitOfWork: UnitOfWork;
  readonly gate: Pick<OwnLogGate, 'isOpen'>;
  readonly onError: (error: unknown) => void;
}

/** Between two looks whether the service may speak. */
const closedMs = 500;

const applySql = `
insert into applied_config (digest, applied_at) values ($1, clock_timestamp())
on conflict (one) do update
  set digest = excluded.digest, previous = applied_config.digest, applied_at = excluded.applied_at
  where applied_config.digest <> excluded.digest
returning previous`;

/**
 * Says by which rules the service judges from now on, in a ConfigApplied, when they are others than those that it applied
 * last: restarts and further instances say nothing. Idle after that.
 */
export function appliedConfig(options: AppliedConfigOptions): Loop {
  const { service, digest, unitOfWork, gate, onError } = options;
  const { name: topic, partitions } = topics.ops;
  return new Loop({
    name: 'applied config',
    pauseMs: 0,
    onError,
    round: async () => {
      if (!gate.isOpen(topic, partitionOf(service, partitions))) return closedMs;
      await unitOfWork.run(async (tx) => {
        const [applied] = await tx.query<{ previous: string | null }>(applySql, [digest]);
        if (!applied) return;
        const data = { service, digest, previous: applied.previous };
        tx.publish([outboundOpsEvent(options, { subject: service, event: { type: 'ConfigApplied', data } })]);
      });
      return null;
    },
  });
}
