import { allTopics } from '@slipstream/contracts';
import {
  createKafka,
  ensureTopics,
  type KafkaClient,
  kafkaSecurity,
  nameLogLines,
  type SecuritySettings,
  whileBrokersAreAway,
} from '@slipstream/kafka';
import {
  coreMigrations,
  judgeRoom,
  knownTopics,
  type MigrationFolder,
  migrate,
  openDataSource,
  poolMaxDefault,
  readRoom,
  UnitOfWork,
} from '@slipstream/postgres';

/** What the runtime reads of a service's settings. */
export interface RuntimeSettings extends Partial<SecuritySettings> {
  readonly kafkaBrokers: readonly string[];
  readonly databaseUrl: string;
  /** Of the role that owns the tables; absent: the one that runs does. */
  readonly migrationUrl?: string | null;
  /** This instance's name in leases and consumer groups, kept over restarts. */
  readonly instanceId: string;
  /** Of a collector; absent or null: nobody is told of spans. */
  readonly otlpEndpoint?: string | null;
  /** Which share of new traces is told. */
  readonly traceRatio?: number;
}

export interface ServersOptions {
  readonly name: string;
  readonly settings: RuntimeSettings;
  readonly migrations: MigrationFolder;
  readonly poolMax?: number;
  /** Connections that the service may open beside this pool. */
  readonly connectionsBeside?: number;
  /** The database may be another server than the one before. */
  readonly onServerChanged: () => void;
  readonly warn: (why: string) => void;
}

export interface Servers {
  readonly dataSource: Awaited<ReturnType<typeof openDataSource>>;
  readonly kafka: KafkaClient;
  /** The instance's own, and its consumers' sign of what an earlier process left in their groups. */
  readonly clientId: string;
}

/** Connects to PostgreSQL and migrates it, and makes the topics when brokers are there. @throws Error at once without room */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { name, settings, migrations, poolMax = poolMaxDefault, onServerChanged } = options;
  nameLogLines({ service: name, instance: settings.instanceId });
  const security = kafkaSecurity(settings);
  const dataSource = await openDataSource({
    onServerChanged,
    url: settings.databaseUrl,
    applicationName: `slipstream-${name}`,
    poolMax,
  });
  const clientId = `slipstream-${name}-${settings.instanceId}`;
  const kafka = createKafka({ brokers: settings.kafkaBrokers, clientId, ...security });
  try {
    await requireRoom(new UnitOfWork(dataSource), poolMax + (options.connectionsBeside ?? 0), options.warn);
    await migrate(dataSource, [coreMigrations, migrations], settings.migrationUrl);
    const known = await knownTopics(new UnitOfWork(dataSource));
    await whileBrokersAreAway('making topics', () => ensureTopics(kafka, allTopics, known));
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  return { dataSource, kafka, clientId };
}

/** @throws Error where the server can never give this service what it may need at once */
async function requireRoom(
  unitOfWork: UnitOfWork,
  wanted: number,
  warn: (why: string) => void,
): Promise<void> {
  const verdict = judgeRoom(await readRoom(unitOfWork, wanted, 1));
  if (verdict.kind === 'none') throw new Error(verdict.why);
  if (verdict.kind === 'tight') warn(verdict.why);
}
