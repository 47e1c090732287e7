import { type Changed, changesBetween } from '../rules/plain-rules.ts';

type PlainRules = Record<string, unknown>;

/** What a backtest lives by, of rules in force; `services/reconciliation/src/backtest/run-backtest.ts` reads the same of them. */
const judged = [
  /^routes\.[^.]+\.(outcome_deadline_ms|quiet_period_ms|inquiry_ladder_ms(\.\d+)?)$/,
  /^providers\.[^.]+\.(acceptance_delay_max_ms|visibility_delay_ms|circuit_open_ms)$/,
  /^detection\.(grace_ms|early_warning\.\w+)$/,
];
/** What these sections name is there, or not, as a whole; that one of them is empty goes without saying. */
const named: ReadonlySet<string> = new Set(['providers', 'routes', 'limits', 'payments', 'statements']);

/** Settings that differ between rules that were and the others, and that a backtest says nothing about. */
export function unjudged(were: readonly PlainRules[], other: PlainRules): readonly Changed[] {
  const changes = were.flatMap((was) =>
    changesBetween(was, other)
      .filter(({ path }) => !named.has(path))
      .map((change) => wholeOf(change, was, other))
      .filter(({ path }) => !judged.some((pattern) => pattern.test(path))),
  );
  return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()];
}

function wholeOf(change: Changed, was: PlainRules, other: PlainRules): Changed {
  const [section = '', name = ''] = change.path.split('.');
  if (!named.has(section)) return change;
  const isIn = (rules: PlainRules) => (rules[section] as PlainRules | undefined)?.[name] !== undefined;
  if (isIn(was) === isIn(other)) return change;
  const says = (rules: PlainRules) => (isIn(rules) ? '(named)' : null);
  return { path: `${section}.${name}`, before: says(was), after: says(other) };
}
