import { createKafka, kafkaSecurityOf } from '@slipstream/kafka';
import { StartError } from '@slipstream/kernel';
import { type BacktestAsked, runBacktest } from './run-backtest.ts';

/**
 * What other rules would have done with the log: `main.js JSON`, of {@link BacktestAsked}. Reads Kafka, and writes nothing anywhere. Each
 * line that it prints is a JSON object: `progress`, and last `result` or `error`. `slipctl backtest` shows them.
 */
const say = (line: object) => console.log(JSON.stringify(line));

try {
  const asked = JSON.parse(process.argv[2] ?? '') as BacktestAsked;
  const log = { info() {}, warn() {}, error() {} };
  const security = kafkaSecurityOf(process.env);
  const kafka = createKafka({ brokers: asked.brokers, clientId: 'slipstream-backtest', log, ...security });
  const onRead = (done: number, total: number) => say({ progress: { done, total } });
  say({ result: await runBacktest(kafka, asked, onRead) });
} catch (error) {
  say({
    error: error instanceof Error ? error.message : String(error),
    is_usage: error instanceof StartError,
  });
  process.exitCode = 1;
}
