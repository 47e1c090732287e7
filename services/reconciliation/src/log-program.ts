import {
  asReadRefused,
  createKafka,
  type KafkaClient,
  kafkaSecurityOf,
  ReadRefused,
} from '@slipstream/kafka';
import { StartError } from '@slipstream/kernel';
import type { OnRead } from './adapters/kafka/whole-log.ts';

const log = { info() {}, warn() {}, error() {} };
/** People wait for it: a second or two, and not the ten of a service. */
const connectionRetries = 4;

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
    const kafka = createKafka({
      brokers: asked.brokers,
      clientId,
      log,
      connectionRetries,
      ...kafkaSecurityOf(env),
    });
    say({ result: await run(kafka, asked, (done, total) => say({ progress: { done, total } })) });
  } catch (error) {
    say({
      error: error instanceof Error ? error.message : String(error),
      is_usage: error instanceof StartError || asReadRefused(error) instanceof ReadRefused,
    });
    process.exitCode = 1;
  }
}
