export { ConfigError, type ProviderConfig, type ProviderInput } from './config.ts';
export type { Limits } from './limits.ts';
export { FAULTS, type Fault, type RuleInput } from './rules.ts';
export { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts';
