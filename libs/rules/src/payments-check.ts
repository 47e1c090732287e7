import { isCurrency } from '@slipstream/kernel';
import { checkAmounts, checkRoutes, checkZone, noCurrency, type Problem } from './problem.ts';
import { rulesDefaults } from './rules-defaults.ts';
import type { PaymentDocument, RulesDocument } from './rules-schema.ts';

/** What is wrong with one payment rule. */
export function checkPayment(payment: PaymentDocument, document: RulesDocument): Problem[] {
  const { routes = [], currencies = [], amount_min, amount_max } = payment;
  return [
    ...checkRoutes(routes, document),
    ...currencies.flatMap((currency, index) =>
      isCurrency(currency) ? [] : [{ path: ['currencies', index], reason: noCurrency }],
    ),
    ...checkAmounts('amount_min', amount_min),
    ...checkAmounts('amount_max', amount_max),
    ...Object.entries(amount_min ?? {}).flatMap(([currency, least]) => {
      const most = amount_max?.[currency];
      if (most === undefined || BigInt(least) <= BigInt(most)) return [];
      return [{ path: ['amount_min', currency], reason: `must not be more than amount_max ${most}` }];
    }),
    ...checkCutOff(payment),
    ...(saysNothing(payment) ? [{ path: [], reason: 'a payment rule that allows everything' }] : []),
  ];
}

const about = new Set(['kinds', 'routes']);

function saysNothing(payment: PaymentDocument): boolean {
  return Object.keys(payment).every((key) => about.has(key));
}

function checkCutOff({ cut_off }: PaymentDocument): Problem[] {
  if (!cut_off) return [];
  const { zone, from, until } = { ...rulesDefaults.cut_off, ...cut_off };
  const problems: Problem[] = [];
  problems.push(...checkZone(['cut_off', 'zone'], zone));
  if (from >= until) problems.push({ path: ['cut_off', 'until'], reason: `must be later than from ${from}` });
  return problems;
}

type Kind = 'order' | 'payout' | 'payment';

/** Rules that no slip of a kind on a route can keep all: the route would be there and take nothing. */
export function checkReach(document: RulesDocument): Problem[] {
  return Object.entries(document.routes).flatMap(([route, { kinds = rulesDefaults.route.kinds }]) =>
    kinds.flatMap((kind) => {
      const why = whyUnreachable(rulesAbout(document, route, kind));
      return why === null ? [] : [{ path: ['routes', route], reason: `takes no ${kind}: ${why}`, key: true }];
    }),
  );
}

type Named = readonly [string, PaymentDocument];

function rulesAbout({ payments = {} }: RulesDocument, route: string, kind: Kind): Named[] {
  return Object.entries(payments).filter(([, payment]) => {
    const { kinds, routes } = { ...rulesDefaults.payment, ...payment };
    return (kinds as readonly Kind[]).includes(kind) && (routes === undefined || routes.includes(route));
  });
}

function whyUnreachable(rules: readonly Named[]): string | null {
  for (const key of ['methods', 'currencies'] as const) {
    const lists = rules.flatMap(([name, rule]) => (rule[key] ? [{ name, list: rule[key] }] : []));
    const [first, ...others] = lists;
    if (!first) continue;
    const common = first.list.filter((one) => others.every(({ list }) => list.includes(one)));
    if (common.length === 0) {
      return `the payment rules ${lists.map(({ name }) => name).join(' and ')} have no ${key} in common`;
    }
  }
  return null;
}
