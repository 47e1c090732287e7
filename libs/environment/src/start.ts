import { containerHost, startKafkaContainer, startPostgresContainer } from './container.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { kafkaNativeObstacle, startNativeKafka } from './kafka-native.ts';
import type { Environment, EnvironmentOptions, KafkaLogin, KafkaPart, Part } from './port.ts';
import { postgresNativeObstacle, startNativePostgres } from './postgres-native.ts';

type Log = (line: string) => void;

/**
 * Gives real Kafka and PostgreSQL, chosen for each apart: what `KAFKA_BROKERS` / `DATABASE_URL` name, else
 * native servers on this machine, else containers.
 * @throws Error that names what to install when none is possible, or the server's last words when it won't start
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const log: Log = options.log ?? (() => {});
  const given = { kafka: process.env.KAFKA_BROKERS, postgres: process.env.DATABASE_URL };
  const folder = given.kafka && given.postgres ? undefined : await openDataFolder(options);
  const [kafka, postgres] = await bothOrNone(
    given.kafka ? givenKafka(given.kafka) : chooseKafka(folder!, log, options.kafkaLogin),
    given.postgres ? givenPart(given.postgres) : choosePostgres(folder!, log),
    folder,
  );
  folder?.complete();
  return environment(kafka, postgres, folder);
}

async function chooseKafka(folder: DataFolder, log: Log, login?: KafkaLogin): Promise<KafkaPart> {
  const obstacle = kafkaNativeObstacle();
  if (!obstacle) return startNativeKafka(folder, log, login);
  if (login) throw new Error(`Kafka with a login cannot start: ${obstacle}`);
  const host = await containerHost();
  if (host) return startKafkaContainer(host, log);
  throw new Error(
    `Kafka cannot start: ${obstacle}, and no Docker engine answers. ` +
      'Install Java 17+ and Maven (Debian: apt install openjdk-17-jre-headless maven), or start Docker, ' +
      'or set KAFKA_BROKERS=host:port.',
  );
}

async function choosePostgres(folder: DataFolder, log: Log): Promise<Part> {
  const obstacle = postgresNativeObstacle();
  if (!obstacle) return startNativePostgres(folder, log);
  if (await containerHost()) return startPostgresContainer(log);
  throw new Error(
    `PostgreSQL cannot start: ${obstacle}, and no Docker engine answers. ` +
      'Run `npm install` with optional dependencies, or start Docker, or set DATABASE_URL to a superuser URL.',
  );
}

async function givenPart(address: string): Promise<Part> {
  return { kind: 'given', address, stop: async () => {} };
}

async function givenKafka(address: string): Promise<KafkaPart> {
  const restart = async () => {
    throw new Error('KAFKA_BROKERS names it: only who started it can start it again');
  };
  return { ...(await givenPart(address)), restart };
}

/** When one part fails, the other is stopped and the folder given back before the error goes out. */
async function bothOrNone(
  startingKafka: Promise<KafkaPart>,
  startingPostgres: Promise<Part>,
  folder: DataFolder | undefined,
): Promise<[KafkaPart, Part]> {
  const [kafka, postgres] = await Promise.allSettled([startingKafka, startingPostgres]);
  if (kafka.status === 'fulfilled' && postgres.status === 'fulfilled') return [kafka.value, postgres.value];
  const both = [kafka, postgres];
  const failures = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  await Promise.allSettled(both.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)));
  folder?.close();
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('\n'));
}

function environment(kafka: KafkaPart, postgres: Part, folder: DataFolder | undefined): Environment {
  const kinds = [kafka.kind, postgres.kind];
  let stopped: Promise<void> | undefined;
  return {
    name: (['container', 'native'] as const).find((kind) => kinds.includes(kind)) ?? 'given',
    kafkaBrokers: kafka.address.split(',').map((broker) => broker.trim()),
    ...(kafka.loginListeners && { loginListeners: kafka.loginListeners }),
    databaseUrl: postgres.address,
    restartKafka: kafka.restart,
    stop() {
      stopped ??= Promise.all([kafka.stop(), postgres.stop()]).then(() => folder?.close());
      return stopped;
    },
  };
}
