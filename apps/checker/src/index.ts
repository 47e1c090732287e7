export { type Checked, check, isSound } from './check.ts';
export type { Facts, Finding, LostProcess, Summary, TopicEvent, TruthRow } from './facts.ts';
export { type CheckTarget, readFacts, runCheck } from './run-check.ts';
