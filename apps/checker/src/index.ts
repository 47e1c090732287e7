export { check } from './check.ts';
export type { Facts, Summary, TopicEvent, TruthRow } from './facts.ts';
export { type CheckTarget, readFacts, runCheck } from './run-check.ts';
export { foldSlips, type SlipFacts } from './slips.ts';
