import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { type HostSettings, logLevels } from './common-settings.ts';

type JsonOptions = Parameters<ConsoleLogger['printAsJson']>[1];

/** Nest's logger with one JSON object per line, all on stdout: {time, level, service, instance, message, …}. */
export class JsonLogger extends ConsoleLogger {
  constructor(
    private readonly service: string,
    private readonly settings: Pick<HostSettings, 'logLevel' | 'instanceId'>,
  ) {
    super({ json: true, colors: false, logLevels: levelsUpTo(settings.logLevel) });
  }

  protected override getJsonLogObject(message: unknown, options: JsonOptions) {
    const { timestamp, pid, level, ...entry } = super.getJsonLogObject(message, options);
    return {
      time: new Date(timestamp).toISOString(),
      service: this.service,
      instance: this.settings.instanceId,
      // One word for one thing: the lines about Kafka say so, and whoever looks for lines does.
      level: (level === 'log' ? 'info' : level) as LogLevel,
      ...entry,
      timestamp,
      pid,
    };
  }

  protected override printAsJson(message: unknown, options: JsonOptions): void {
    super.printAsJson(message, { ...options, writeStreamType: 'stdout' });
  }
}

function levelsUpTo(level: HostSettings['logLevel']): LogLevel[] {
  return logLevels.slice(0, logLevels.indexOf(level) + 1);
}
