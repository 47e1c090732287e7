/** Real Kafka and PostgreSQL for tests and for the local stack, wherever they come from. */
export interface Environment {
  /** The least "given" of the two parts: `container` if either is one, else `native` if either is, else `given`. */
  readonly name: EnvironmentKind;
  readonly kafkaBrokers: string[];
  /** There where a login was asked for. */
  readonly loginListeners?: LoginListeners;
  /** A superuser's URL; make your own database with `createDatabase`. */
  readonly databaseUrl: string;
  /**
   * Ends Kafka without a word and starts it again where it was, with its data; resolves when it answers.
   * @throws Error where it was given
   */
  restartKafka(): Promise<void>;
  /** Stops what was started here (nothing that was given) and removes fresh data. Safe to call twice. */
  stop(): Promise<void>;
}

export type EnvironmentKind = 'given' | 'native' | 'container';

export interface EnvironmentOptions {
  /** Holds data, logs (`logs/`) and `pids.json`. One running environment per folder. */
  dataDir: string;
  /** Reuse the data on the next start with the same folder; ports may change. Default: remove it on stop. */
  keepData?: boolean;
  /** Gets one line per step that takes time. */
  log?: (line: string) => void;
  /** Kafka also listens for those who prove who they are; native alone. */
  kafkaLogin?: KafkaLogin;
}

/** The one user of the listeners that ask for one (PLAIN and SCRAM-SHA-512), who may do everything, and the certificate of the one with TLS. */
export interface KafkaLogin {
  readonly username: string;
  readonly password: string;
  /** Others who have the same password, by PLAIN alone, and no right until it is given to them. */
  readonly guests?: readonly string[];
  /** PEM; the key by PKCS #8. */
  readonly cert: string;
  readonly key: string;
}

/** `host:port` of the listeners that ask for a login. */
export interface LoginListeners {
  readonly sasl: string;
  readonly saslAndTls: string;
}

/** One of the two parts, running. */
export interface Part {
  readonly kind: EnvironmentKind;
  /** `host:port[,host:port]` for Kafka, a URL for PostgreSQL. */
  readonly address: string;
  stop(): Promise<void>;
}

export interface KafkaPart extends Part {
  readonly loginListeners?: LoginListeners;
  restart(): Promise<void>;
}
