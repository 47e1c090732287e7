export { createDatabase } from './create-database.ts';
export type { Environment, EnvironmentKind, EnvironmentOptions } from './environment/port.ts';
export {
  isRunning,
  type ProcessIdentity,
  processStart,
  stopProcess,
} from './environment/process-identity.ts';
export { environmentWithOwnKafka, freshDataDir, sharedEnvironment } from './environment/shared.ts';
export { startEnvironment } from './environment/start.ts';
export { startWatchdog, type Watchdog } from './environment/watchdog.ts';
export { type FakeClock, fakeClock } from './fake-clock.ts';
export { freePorts } from './free-ports.ts';
export { ownedDatabase } from './owned-database.ts';
export { type SeededRandom, seededRandom } from './seeded-random.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
