import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataFolder } from './data-folder.ts';
import { freePorts } from './free-ports.ts';
import { kafkaAnswers } from './kafka-answers.ts';
import { classArchive, type Rehearsal } from './kafka-classes.ts';
import { kafkaJars, kafkaJarsFolder, renameOnce, temporaryFolder } from './kafka-jars.ts';
import { loginListeners, scramArguments } from './kafka-login.ts';
import type { KafkaLogin, KafkaPart } from './port.ts';
import { stopProcess } from './process-identity.ts';
import { retryOnPortTaken, type ServerProcess, startServer, untilReady } from './server-process.ts';

const JAVA_MAJOR_MIN = 17;
const READY_TIMEOUT_MS = 120_000; // a busy machine is slow, not broken
const RESTART_TIMEOUT_MS = 10_000;

/** What keeps Kafka from running natively here, or undefined when nothing does. */
export function kafkaNativeObstacle(): string | undefined {
  const java = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1] ?? 0);
  if (java.error || major === 0) return `Java ${JAVA_MAJOR_MIN}+ is not installed`;
  if (major < JAVA_MAJOR_MIN) return `Java ${JAVA_MAJOR_MIN}+ is needed, this machine has Java ${major}`;
  if (existsSync(kafkaJarsFolder())) return undefined;
  const maven = spawnSync('mvn', ['-version'], { stdio: 'ignore' });
  return maven.error || maven.status !== 0 ? 'Maven (mvn) is not installed' : undefined;
}

function javaCommand(): string {
  return process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';
}

const BROKER = [
  '-Xms128m',
  '-Xmx384m',
  // One thread for a small heap: nothing is collected beside the work while there is none.
  '-XX:+UseSerialGC',
  // The second compiler takes as much as the whole broker for minutes after a start, and gains a fifth later on.
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
];

/** What a broker and the tools that belong to it are started with; how they log lies in `home`. */
function javaOptions(home: string, jars: string): string[] {
  const logging = join(home, 'log4j2.properties');
  writeFileSync(logging, LOG4J);
  return [`-Dlog4j2.configurationFile=${logging}`, '-cp', join(jars, '*')];
}

function rehearsal(jars: string): Rehearsal {
  return {
    java: javaCommand(),
    args(home, brokerPort, controllerPort) {
      const properties = join(home, 'server.properties');
      const data = join(home, 'data');
      writeFileSync(properties, serverProperties(data, brokerPort, controllerPort));
      const java = javaOptions(home, jars);
      copyFormatted(jars, java, data, randomBytes(16).toString('base64url'));
      return [...BROKER, ...java, 'kafka.Kafka', properties];
    },
  };
}

/** One KRaft node, broker and controller, on 127.0.0.1. */
export async function startNativeKafka(
  folder: DataFolder,
  log: (line: string) => void,
  login?: KafkaLogin,
): Promise<KafkaPart> {
  const jars = await kafkaJars(log);
  log('starting Kafka');
  const classes = await retryOnPortTaken(() => classArchive(jars, rehearsal(jars)));
  return retryOnPortTaken(() => startBroker(folder, jars, classes, login));
}

async function startBroker(
  folder: DataFolder,
  jars: string,
  classes: readonly string[],
  login?: KafkaLogin,
): Promise<KafkaPart> {
  const home = join(folder.path, 'kafka');
  mkdirSync(home, { recursive: true });
  const [brokerPort, controllerPort, saslPort, tlsPort] = await freePorts(login ? 4 : 2);
  const data = join(home, 'data');
  const listeners = login && loginListeners(home, login, saslPort!, tlsPort!);
  const settings = serverProperties(data, brokerPort!, controllerPort!, listeners?.addresses);
  const properties = join(home, 'server.properties');
  writeFileSync(properties, settings + (listeners?.properties ?? ''));
  const java = javaOptions(home, jars);
  if (!existsSync(join(data, 'meta.properties'))) {
    if (login) format(java, properties, folder.kafkaClusterId, scramArguments(login));
    else copyFormatted(jars, java, data, folder.kafkaClusterId);
  }
  const address = `127.0.0.1:${brokerPort}`;
  const args = [...classes, ...BROKER, ...java, 'kafka.Kafka', properties];
  const launch = () => launchBroker(folder, home, args, address);
  let server = await launch();
  return {
    kind: 'native',
    address,
    ...(listeners && {
      loginListeners: { sasl: `127.0.0.1:${saslPort}`, saslAndTls: `127.0.0.1:${tlsPort}` },
    }),
    async restart() {
      await stopProcess(server, 'SIGKILL', RESTART_TIMEOUT_MS);
      server = await launch();
    },
    stop: () => server.stop(),
  };
}

async function launchBroker(
  folder: DataFolder,
  home: string,
  args: readonly string[],
  address: string,
): Promise<ServerProcess> {
  const server = await startServer({
    name: 'Kafka',
    command: javaCommand(),
    args: [...args],
    cwd: home,
    logFile: join(folder.path, 'logs/kafka.log'),
    stopSignal: 'SIGTERM',
  });
  folder.started(server);
  await untilReady(server, () => kafkaAnswers([address]), READY_TIMEOUT_MS);
  return server;
}

/**
 * A data folder as Kafka's own tool makes it, under this cluster's id. The tool runs once per set of jars: it takes a Java
 * of its own, half as long as the broker's start.
 */
function copyFormatted(jars: string, java: string[], data: string, clusterId: string): void {
  const formatted = `${jars}-formatted`;
  if (!existsSync(formatted)) makeFormatted(java, formatted);
  cpSync(formatted, data, { recursive: true });
  const file = join(data, 'meta.properties');
  const ids = { 'cluster.id': clusterId, 'directory.id': randomBytes(16).toString('base64url') };
  const lines = readFileSync(file, 'utf8').split('\n');
  const named = lines.map((line) => {
    const [key] = line.split('=');
    return Object.hasOwn(ids, key!) ? `${key}=${ids[key as keyof typeof ids]}` : line;
  });
  writeFileSync(file, named.join('\n'));
}

function makeFormatted(java: string[], formatted: string): void {
  const home = temporaryFolder();
  mkdirSync(home, { recursive: true });
  try {
    const properties = join(home, 'server.properties');
    const data = join(home, 'data');
    writeFileSync(properties, serverProperties(data, 1, 2));
    format(java, properties, randomBytes(16).toString('base64url'));
    renameOnce(data, formatted);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function format(java: string[], properties: string, clusterId: string, more: readonly string[] = []): void {
  // One word with its option: one id in 64 begins with a dash.
  const args = [
    ...java,
    'kafka.tools.StorageTool',
    'format',
    `--cluster-id=${clusterId}`,
    '-c',
    properties,
    ...more,
  ];
  const run = spawnSync(javaCommand(), ['-Xmx128m', '-XX:TieredStopAtLevel=1', ...args], {
    encoding: 'utf8',
  });
  if (run.status !== 0) {
    throw new Error(`cannot format Kafka's data folder: ${run.error?.message ?? run.stderr + run.stdout}`);
  }
}

/**
 * One node: internal topics have one replica and few partitions. Buffers are sized for a 384 MiB heap. The quorum of one
 * writes its sign of life every 5 s instead of every 0.5 s.
 */
function serverProperties(
  dataFolder: string,
  brokerPort: number,
  controllerPort: number,
  more: readonly string[] = [],
): string {
  const addresses = [`PLAINTEXT://127.0.0.1:${brokerPort}`, ...more];
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${[...addresses, `CONTROLLER://127.0.0.1:${controllerPort}`].join()}
advertised.listeners=${addresses.join()}
controller.listener.names=CONTROLLER
log.dirs=${dataFolder}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
group.coordinator.threads=1
metadata.max.idle.interval.ms=5000
`;
}

const LOG4J = `status=warn
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.c.ref=C
`;
