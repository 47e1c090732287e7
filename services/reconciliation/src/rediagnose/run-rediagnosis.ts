import type { KafkaClient } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import { WholeLog } from '../adapters/kafka/whole-log.ts';
import { Rediagnosis, type RediagnosisReport } from '../application/backtest/rediagnose.ts';

export interface RediagnosisAsked {
  readonly brokers: readonly string[];
  /** Of diagnoses made from then on, and before then; null: all. */
  readonly from: Instant | null;
  readonly to: Instant | null;
}

export interface RediagnosisResult extends RediagnosisReport {
  readonly records: number;
}

/** @throws SlipstreamError when Kafka cannot be read */
export async function runRediagnosis(
  kafka: KafkaClient,
  { from, to }: Omit<RediagnosisAsked, 'brokers'>,
  onRead: (done: number, total: number) => void,
): Promise<RediagnosisResult> {
  const rediagnosis = new Rediagnosis(
    ({ time }) => (from === null || time >= from) && (to === null || time < to),
  );
  const log = new WholeLog(kafka);
  try {
    const bounds = await log.bounds();
    const total = [...bounds.values()].reduce((sum, { start, end }) => sum + end - start, 0);
    let read = 0;
    const onPage = (records: number) => {
      read += records;
      onRead(Math.round(read), total);
    };
    for (const [partition, range] of bounds) {
      for await (const slips of log.slips(partition, range, onPage)) {
        for (const events of slips.values()) rediagnosis.add(events);
      }
    }
    return { records: total, ...rediagnosis.report() };
  } finally {
    await log.close();
  }
}
