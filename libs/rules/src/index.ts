export {
  type DetectionRules,
  loadRules,
  type ProviderRules,
  parseRules,
  type RouteRules,
  type Rules,
} from './rules.ts';
