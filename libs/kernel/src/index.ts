export { assert, InvariantError, must, unreachable } from './assert.ts';
export { backoffMs, doublingMs, type WaitLimits } from './backoff.ts';
export { csvCell } from './csv-cell.ts';
export { currencyExponent, isCurrency } from './currency.ts';
export {
  type ErrorCode,
  errorCodes,
  type FieldProblem,
  isSlipstreamError,
  keyReused,
  SlipstreamError,
} from './errors.ts';
export { isUuid } from './ids.ts';
export {
  addMicros,
  addMs,
  earlier,
  type Instant,
  instantFromMicros,
  instantFromMs,
  instantFromSeconds,
  instantToMicros,
  instantToMs,
  instantToSeconds,
  microsWithin,
  parseInstant,
} from './instant.ts';
export {
  type Money,
  type MoneyJson,
  type MoneyProblem,
  moneyToJson,
  parseMajorUnits,
  parseMoney,
  sameMoney,
  shownAmount,
  toldSums,
} from './money.ts';
export {
  foreignTextLengthMax,
  foreignTextProblem,
  keyLengthMax,
  nameLengthMax,
  nameProblem,
  wallClock,
} from './names.ts';
export { nearest } from './nearest.ts';
export { type PageOf, type PageRequest, pageBetween } from './page.ts';
export { Repeats } from './repeats.ts';
export { restMs } from './rest.ts';
export { err, ok, type Result } from './result.ts';
export { type SeededRandom, seededRandom } from './seeded-random.ts';
export { StartError } from './start-error.ts';
export { strictJson } from './strict-json.ts';
export { storableText } from './text.ts';
export { isTraceContext, traceIdOf } from './trace-context.ts';
