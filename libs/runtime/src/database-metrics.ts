import { poolUse, readUnsent, type UnitOfWork, type Unsent } from '@slipstream/postgres';
import { Gauge, type Registry } from 'prom-client';
import type { Servers } from './servers.ts';

/**
 * What the outbox has that Kafka has not, read when it is asked for: every instance of a service shows the same, and while
 * the database is away the series are absent. And who has this instance's connections.
 */
export function databaseMetrics(
  registry: Registry,
  unitOfWork: UnitOfWork,
  { dataSource }: Pick<Servers, 'dataSource'>,
): void {
  // Asked once where both are read at once.
  let reading: Promise<readonly Unsent[]> | null = null;
  const read = () => {
    reading ??= readUnsent(unitOfWork)
      .catch(() => [])
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const gauge = (name: string, help: string, told: (unsent: Unsent) => number) =>
    new Gauge({
      ...{ name, help, labelNames: ['topic'], registers: [registry] },
      async collect() {
        const unsent = await read();
        this.reset();
        for (const one of unsent) this.set({ topic: one.topic }, told(one));
      },
    });
  gauge('slipstream_outbox_rows', 'Events that are committed and not sent yet', ({ rows }) => rows);
  gauge(
    'slipstream_outbox_age_seconds',
    'How long the oldest event has been committed that is not sent yet; 0 where all are',
    ({ ageSeconds }) => ageSeconds,
  );
  new Gauge({
    name: 'slipstream_database_connections',
    help: 'Connections of the pool that work goes through: busy, idle, and how many wait for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(poolUse(dataSource))) this.set({ state }, count);
    },
  });
}
