import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { kafkaAnswers } from './kafka-answers.ts';
import { renameOnce, temporaryFolder } from './kafka-jars.ts';
import { stopProcess } from './process-identity.ts';
import { startServer, untilReady } from './server-process.ts';
import { startWatchdog } from './watchdog.ts';

const READY_TIMEOUT_MS = 120_000; // a busy machine is slow, not broken
const WRITTEN_TIMEOUT_MS = 60_000;

/** A broker that is started to see which classes it needs, and stopped again. */
export interface Rehearsal {
  readonly java: string;
  /** Options, the main class and its arguments, for a broker that keeps its data in `home`. */
  args(home: string, brokerPort: number, controllerPort: number): string[];
}

/**
 * The option that has Java take the broker's classes from an archive instead of reading, checking and linking them anew: half of
 * what a start costs. The archive is made once per set of jars, by a broker of its own; a Java that cannot use it reads the jars.
 */
export async function classArchive(jars: string, rehearsal: Rehearsal): Promise<string[]> {
  const archive = `${jars}-classes.jsa`;
  if (!existsSync(archive)) await makeArchive(archive, rehearsal);
  // Empty: this Java makes none.
  return statSync(archive).size > 0 ? [`-XX:SharedArchiveFile=${archive}`] : [];
}

async function makeArchive(archive: string, { java, args }: Rehearsal): Promise<void> {
  const home = temporaryFolder();
  mkdirSync(home, { recursive: true });
  const watchdog = startWatchdog([home]);
  try {
    const made = join(home, 'classes.jsa');
    const [brokerPort, controllerPort] = await freePorts(2);
    const server = await startServer({
      ...{ name: 'Kafka', command: java, cwd: home, logFile: join(home, 'kafka.log'), stopSignal: 'SIGTERM' },
      args: [`-XX:ArchiveClassesAtExit=${made}`, ...args(home, brokerPort!, controllerPort!)],
    });
    watchdog.add(server);
    await untilReady(server, () => kafkaAnswers([`127.0.0.1:${brokerPort}`]), READY_TIMEOUT_MS);
    await stopProcess(server, 'SIGTERM', WRITTEN_TIMEOUT_MS);
    if (!existsSync(made)) writeFileSync(made, '');
    renameOnce(made, archive);
  } finally {
    watchdog.close();
    rmSync(home, { recursive: true, force: true });
  }
}
