import { Logger } from '@nestjs/common';
import { StartError } from '@slipstream/kernel';
import { createService, type Service, type ServiceOptions } from './service.ts';

/** How long a start may still take once the process was told to stop. */
const startGraceMs = 20_000;

/**
 * The whole life of a service process: starts, prints one JSON line `{"ready":true,"service":…,"url":…}` on stdout,
 * and runs until SIGTERM or SIGINT. Exit code 0: drained and stopped; 1: could not start, a second signal, drain time
 * over, a part that did not stop, or an error that nobody caught.
 * @param prepare reads the settings and wires the service; a {@link StartError} is printed without a stack
 */
export async function runService(prepare: () => ServiceOptions | Promise<ServiceOptions>): Promise<void> {
  process.on('uncaughtException', (error) => die('an error was not caught', error));
  process.on('unhandledRejection', (error) => die('a rejection was not handled', error));
  const asked = firstSignal();
  const { service, drainTimeoutMs } = await start(prepare);
  const signal = await asked;
  limitStopping(drainTimeoutMs);
  new Logger('Process').log(`${signal}: draining`);
  process.exit((await service.stop()) ? 0 : 1);
}

/** A signal that comes while the service still starts is obeyed when it has started, if that is soon. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (name: NodeJS.Signals) => {
      signals += 1;
      if (signals > 1) die(`${name} again: stopped at once`);
      limitStopping(startGraceMs);
      resolve(name);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

let deadline: NodeJS.Timeout | undefined;

/** Ends the process when it is not gone by then; a later call replaces the limit. */
function limitStopping(timeoutMs: number): void {
  clearTimeout(deadline);
  deadline = setTimeout(() => die(`stopping took more than ${timeoutMs} ms`), timeoutMs).unref();
}

async function start(
  prepare: () => ServiceOptions | Promise<ServiceOptions>,
): Promise<{ service: Service; drainTimeoutMs: number }> {
  try {
    const options = await prepare();
    const service = await createService(options);
    process.stdout.write(`${JSON.stringify({ ready: true, service: options.name, url: service.url })}\n`);
    return { service, drainTimeoutMs: options.settings.drainTimeoutMs };
  } catch (error) {
    if (!(error instanceof StartError)) return die('the service did not start', error);
    process.stderr.write(`${error.message}\n`);
    return process.exit(1);
  }
}

function die(reason: string, error?: unknown): never {
  new Logger('Process').fatal(reason, error);
  process.exit(1);
}
