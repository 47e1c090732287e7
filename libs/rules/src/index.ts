export { circuitWindow } from './circuit.ts';
export {
  type DetectionRules,
  earlyWarningDefaults,
  loadRules,
  type OverdraftRule,
  type ProviderRules,
  parseRules,
  type RouteRules,
  type Rules,
} from './rules.ts';
export { problemAt } from './rules-source.ts';
export type { CsvRules, StatementSourceRules } from './statements.ts';
