export { checkTarget, type DemoOptions, type PlayedDemo, playDemo } from './demo/feed.ts';
export type { Profile, RoutePolicies } from './stack/policies.ts';
export type { InstanceCounts, ServiceName } from './stack/services.ts';
export { type Stack, type StackOptions, startStack } from './stack/stack.ts';
export type { ProcessSpec } from './supervisor/supervised-process.ts';
export { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor/supervisor.ts';
