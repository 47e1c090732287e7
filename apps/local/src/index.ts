export { checkTarget, type DemoOptions, type PlayedDemo, playDemo, settledOutage } from './demo/feed.ts';
export { hasEnded, readSlips, type ShownSlip } from './demo/progress.ts';
export { submitSlip } from './demo/submit.ts';
export {
  dispatchedRoutes,
  type Profile,
  type RoutePolicies,
  type RuleChange,
  slipsAlone,
} from './stack/policies.ts';
export type { InstanceCounts, ServiceName } from './stack/services.ts';
export { type Stack, type StackOptions, startStack } from './stack/stack.ts';
export { givePrecedence } from './supervisor/precedence.ts';
export type { ProcessSpec } from './supervisor/supervised-process.ts';
export { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor/supervisor.ts';
