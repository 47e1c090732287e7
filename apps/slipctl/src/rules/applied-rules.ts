import { decodeOpsEvent, topics } from '@slipstream/contracts';
import { readTail } from '@slipstream/kafka';
import { type Instant, isSlipstreamError } from '@slipstream/kernel';
import { kafkaError, openKafka } from '../kafka.ts';
import { showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';

/** The rules that a service says it judges by. */
export interface AppliedRules {
  readonly service: string;
  readonly digest: string;
  readonly since: Instant;
  /** Those before; null: it says of none. */
  readonly previous: string | null;
}

/** What each service said last of its rules (ConfigApplied), by name. @throws CliError (unreachable) */
export async function readAppliedRules(brokers: readonly string[]): Promise<AppliedRules[]> {
  const kafka = await openKafka(brokers, 'slipctl-config');
  const applied = new Map<string, AppliedRules>();
  const from = new Map(Array.from({ length: topics.ops.partitions }, (_, partition) => [partition, 0]));
  try {
    await readTail(kafka, topics.ops.name, from, (_, walk) => {
      const one = appliedIn(walk.value());
      if (one !== null) applied.set(one.service, one);
    });
  } catch (error) {
    throw kafkaError(error);
  }
  return [...applied.values()].sort((a, b) => (a.service < b.service ? -1 : 1));
}

/** A service says so on a partition of its own: what stands later there was said later. */
export function appliedIn(value: Buffer | null): AppliedRules | null {
  try {
    const recorded = value && decodeOpsEvent(value);
    if (recorded?.event.type !== 'ConfigApplied') return null;
    return { ...recorded.event.data, since: recorded.time };
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

/** @param digest of a file that is compared with them; null: none is */
export function appliedTable(applied: readonly AppliedRules[], digest: string | null): string {
  if (applied.length === 0) return 'no service has said by which rules it judges';
  const header = ['service', 'rules', 'since', ...(digest === null ? ['before'] : ['as the file'])];
  const rows = applied.map(({ service, digest: of, since, previous }) => [
    ...[service, of, showTime(since)],
    digest === null ? (previous ?? '-') : of === digest ? 'yes' : 'NO',
  ]);
  return table([header, ...rows]);
}
