import type { KafkaClient } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import { type OnRead, WholeLog } from '../adapters/kafka/whole-log.ts';
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
  { from, to }: RediagnosisAsked,
  onRead: OnRead,
): Promise<RediagnosisResult> {
  const rediagnosis = new Rediagnosis(
    ({ time }) => (from === null || time >= from) && (to === null || time < to),
  );
  const log = new WholeLog(kafka);
  try {
    const records = await log.everySlip(await log.bounds(), (events) => rediagnosis.add(events), onRead);
    return { records, ...rediagnosis.report() };
  } finally {
    await log.close();
  }
}
