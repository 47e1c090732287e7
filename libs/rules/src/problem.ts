import { isCurrency } from '@slipstream/kernel';
import type { RulesDocument } from './rules-schema.ts';

/** Where a problem sits in the file: keys and indexes from the root; `key` points at the last key, not its value. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly reason: string;
  readonly key?: boolean;
}

/** What an amount on the wire can be. */
const amountMax = 9_223_372_036_854_775_807n;

/** Routes that a rule names. */
export function checkRoutes(routes: readonly string[], document: RulesDocument): Problem[] {
  return routes.flatMap((route, index) =>
    Object.hasOwn(document.routes, route)
      ? []
      : [{ path: ['routes', index], reason: `no route is named ${route}` }],
  );
}

/** Amounts by currency. */
export function checkAmounts(key: string, amounts: Readonly<Record<string, string>> = {}): Problem[] {
  return Object.entries(amounts).flatMap(([currency, amount]): Problem[] => {
    const path = [key, currency];
    if (!isCurrency(currency)) return [{ path, reason: noCurrency, key: true }];
    return BigInt(amount) > amountMax ? [{ path, reason: `must be at most ${amountMax}` }] : [];
  });
}

export const noCurrency = 'not the ISO 4217 code of a currency in use';

/** A time zone that is not one of IANA's. */
export function checkZone(path: Problem['path'], zone: string): Problem[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return [];
  } catch {
    return [{ path, reason: `${zone} is no zone of IANA's` }];
  }
}
