export {
  type DetectionRules,
  earlyWarningDefaults,
  loadRules,
  type ProviderRules,
  parseRules,
  type RouteRules,
  type Rules,
} from './rules.ts';
