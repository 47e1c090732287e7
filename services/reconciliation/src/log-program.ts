import { createKafka, type KafkaClient, kafkaSecurityOf } from '@slipstream/kafka';
import { StartError } from '@slipstream/kernel';
import type { OnRead } from './adapters/kafka/whole-log.ts';

const log = { info() {}, warn() {}, error() {} };

/**
 * A program that reads the slips' log and writes nothing anywhere, for slipctl: `main.js JSON`, of what is asked. Speaks to the brokers as the
 * services do. Each line that it prints is a JSON object: `progress`, and last `result` or `error`.
 */
export async function runLogProgram<Asked extends { readonly brokers: readonly string[] }>(
  clientId: string,
  run: (kafka: KafkaClient, asked: Asked, onRead: OnRead) => Promise<object>,
  { argv, env }: Pick<NodeJS.Process, 'argv' | 'env'>,
): Promise<void> {
  const say = (line: object) => console.log(JSON.stringify(line));
  try {
    const asked = JSON.parse(argv[2] ?? '') as Asked;
    const kafka = createKafka({ brokers: asked.brokers, clientId, log, ...kafkaSecurityOf(env) });
    say({ result: await run(kafka, asked, (done, total) => say({ progress: { done, total } })) });
  } catch (error) {
    say({
      error: error instanceof Error ? error.message : String(error),
      is_usage: error instanceof StartError,
    });
    process.exitCode = 1;
  }
}
