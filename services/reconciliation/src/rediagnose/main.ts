import { createKafka } from '@slipstream/kafka';
import { type RediagnosisAsked, runRediagnosis } from './run-rediagnosis.ts';

/**
 * Makes the diagnoses of the log again: `main.js JSON`, of {@link RediagnosisAsked}. Reads Kafka, and writes nothing anywhere. Each line
 * that it prints is a JSON object: `progress`, and last `result` or `error`. `slipctl reconcile diagnoses` shows them.
 */
const say = (line: object) => console.log(JSON.stringify(line));

try {
  const asked = JSON.parse(process.argv[2] ?? '') as RediagnosisAsked;
  const log = { info() {}, warn() {}, error() {} };
  const kafka = createKafka({ brokers: asked.brokers, clientId: 'slipstream-rediagnosis', log });
  say({ result: await runRediagnosis(kafka, asked, (done, total) => say({ progress: { done, total } })) });
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
