import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { processStart } from './process-identity.ts';
import { repositoryRoot } from './repository.ts';

const MAVEN_TIMEOUT_MS = 300_000;

const pom = () => join(repositoryRoot, 'deploy/local/kafka/pom.xml');
const cache = () => join(repositoryRoot, '.slipstream/cache');

/** Where the jars for the present pom.xml lie, or will lie: the key is the pom's digest. */
export function kafkaJarsFolder(): string {
  const digest = createHash('sha256').update(readFileSync(pom())).digest('hex').slice(0, 16);
  return join(cache(), `kafka-${digest}`);
}

/**
 * Kafka's jars, fetched by Maven once per pom.xml. Two processes may do it at the same time: each fills a
 * folder of its own and one rename wins.
 * @throws Error with Maven's own words when they cannot be fetched
 */
export async function kafkaJars(log: (line: string) => void): Promise<string> {
  const jars = kafkaJarsFolder();
  if (existsSync(jars)) return jars;
  mkdirSync(cache(), { recursive: true });
  removeAbandoned();
  const fetched = temporaryFolder();
  log('fetching Apache Kafka through Maven (about 54 MB, once)');
  try {
    await copyDependencies(fetched);
    renameOnce(fetched, jars);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return jars;
}

/** The name of a folder of this process in the cache; one that a killed process left there is removed by the next fetch. */
export function temporaryFolder(): string {
  return join(cache(), `fetch-${process.pid}-${randomBytes(4).toString('hex')}`);
}

/** Two processes may make the same at the same time: one rename wins. */
export function renameOnce(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error; // otherwise another process was first, with the same jars
  }
}

/** Folders of fetches whose process was killed. */
function removeAbandoned(): void {
  for (const name of readdirSync(cache())) {
    const pid = /^fetch-(\d+)-/.exec(name)?.[1];
    if (pid && processStart(Number(pid)) === '')
      rmSync(join(cache(), name), { recursive: true, force: true });
  }
}

async function copyDependencies(folder: string): Promise<void> {
  const args = [
    '-B',
    '-q',
    '-Dstyle.color=never',
    '-f',
    pom(),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${folder}`,
  ];
  const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: MAVEN_TIMEOUT_MS });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000);
    });
  }
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  if (ended === '0') return;
  throw new Error(
    `Maven could not fetch Kafka's jars (mvn ended with ${ended}). Check the network and Maven's settings.xml, ` +
      `or set KAFKA_BROKERS. Maven said:\n${output.trim()}`,
  );
}
