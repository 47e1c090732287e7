import { waitFor } from '@slipstream/testing';
import type { StartedTestContainer } from 'testcontainers';
import { freePorts } from './free-ports.ts';
import { kafkaAnswers } from './kafka-answers.ts';
import type { KafkaPart, Part } from './port.ts';

const KAFKA_IMAGE = 'apache/kafka:4.1.1';
const POSTGRES_IMAGE = 'postgres:18';
const PROBE_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 180_000;

/** The host under which a container engine's ports are reached, or undefined when no engine answers. */
export async function containerHost(): Promise<string | undefined> {
  try {
    // Loaded on demand: it is large, and most runs need no container.
    const { getContainerRuntimeClient } = await import('testcontainers');
    const late = new Promise<undefined>((resolve) =>
      setTimeout(() => resolve(undefined), PROBE_TIMEOUT_MS).unref(),
    );
    const client = await Promise.race([getContainerRuntimeClient(), late]);
    return client?.info.containerRuntime.host;
  } catch {
    return undefined;
  }
}

/** Kafka tells its clients where to connect, so the host's port must be known before the container starts. */
export async function startKafkaContainer(host: string, log: (line: string) => void): Promise<KafkaPart> {
  log(`starting a container of ${KAFKA_IMAGE} (fetched if needed)`);
  const { GenericContainer } = await import('testcontainers');
  const [port] = await freePorts(1);
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: 9092, host: port! })
    .withEnvironment(kafkaSettings(host, port!))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  const address = `${host}:${port}`;
  const answering = () =>
    waitFor(() => kafkaAnswers([address]), { timeoutMs: 60_000, what: 'Kafka in its container to answer' });
  await answering();
  return {
    ...part(container, address),
    async restart() {
      await container.restart();
      await answering();
    },
  };
}

function kafkaSettings(host: string, port: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093',
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_HEAP_OPTS: '-Xmx384m',
  };
}

/** testcontainers' reaper removes the container if this process dies. */
export async function startPostgresContainer(log: (line: string) => void): Promise<Part> {
  log(`starting a container of ${POSTGRES_IMAGE} (fetched if needed)`);
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(POSTGRES_IMAGE)
    .withUsername('postgres')
    .withDatabase('postgres')
    .withCommand([
      'postgres',
      '-c',
      'max_connections=200',
      '-c',
      'shared_buffers=256MB',
      '-c',
      'timezone=UTC',
    ])
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return part(container, container.getConnectionUri());
}

function part(container: StartedTestContainer, address: string): Part {
  return { kind: 'container', address, stop: async () => void (await container.stop()) };
}
