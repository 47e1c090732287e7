import { brokersOf } from '../config.ts';
import { openKafka } from '../kafka.ts';
import { ledgerDatabaseUrl } from '../ledger-database-url.ts';
import { LedgerDatabase } from '../verify/ledger-database.ts';
import { KafkaRecords } from './kafka-records.ts';
import { LedgerRecords } from './ledger-records.ts';
import type { RecordSource, Span } from './records.ts';
import type { ReplayState } from './state-file.ts';
import { FileTarget, outputTarget, type Target, TopicTarget } from './targets.ts';

export interface SourceFlags {
  readonly source: 'topic' | 'log';
  readonly brokers?: string;
  readonly databaseUrl?: string;
}

/** @throws CliError (usage, unreachable) */
export async function openSource({ source, brokers, databaseUrl }: SourceFlags): Promise<RecordSource> {
  if (source === 'log') return new LedgerRecords(await LedgerDatabase.open(ledgerDatabaseUrl(databaseUrl)));
  return new KafkaRecords(await kafkaOf(brokers));
}

export interface TargetFlags {
  readonly out?: string;
  readonly topic?: string;
  readonly brokers?: string;
}

/** @throws CliError (usage, unreachable) */
export async function openTarget(
  { out, topic, brokers }: TargetFlags,
  from: { readonly state: ReplayState; readonly isResumed: boolean; readonly log: ReadonlyMap<number, Span> },
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<Target> {
  if (out !== undefined) return FileTarget.open(out, from.isResumed);
  if (topic === undefined) return outputTarget(write);
  const partitions = Math.max(...from.log.keys()) + 1;
  return TopicTarget.open(await kafkaOf(brokers), topic, { id: from.state.id, partitions });
}

function kafkaOf(brokers: string | undefined) {
  return openKafka(brokersOf(brokers), 'slipctl-replay');
}
