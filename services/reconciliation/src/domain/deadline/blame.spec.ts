import { expect, test } from '@jest/globals';
import { at } from '../../../test/story.ts';
import { type Heard, toBlame } from './blame.ts';

const heard = (service: string, ageMs: number, through: number | null): Heard => ({
  ...{ service, ageMs, through: through === null ? null : at(through) },
});

test.each<[string, string, readonly Heard[]]>([
  ['the one that is silent', 'ledger', [heard('intake', 100, 99), heard('ledger', 20_000, 80)]],
  [
    'of two the one that fell silent first',
    'intake',
    [heard('intake', 30_000, 70), heard('gateway', 20_000, 70), heard('ledger', 1, 99)],
  ],
  [
    'the bus, when nobody is heard',
    'kafka',
    [heard('intake', 20_000, 80), heard('gateway', Number.POSITIVE_INFINITY, null)],
  ],
  [
    'the bus, as soon as each was to speak again',
    'kafka',
    [heard('intake', 10_000, 90), heard('gateway', 7_000, 93), heard('ledger', 5_600, 94)],
  ],
  [
    'the one that speaks and vouches for nothing new',
    'gateway',
    [heard('intake', 100, 99), heard('gateway', 100, 70)],
  ],
  [
    'the first of those, for the next one waits for it',
    'intake',
    [heard('intake', 100, 70), heard('gateway', 100, 70)],
  ],
  [
    'ourselves, when all is vouched for',
    'reconciliation',
    [heard('intake', 100, 99), heard('gateway', 100, 99)],
  ],
])('to blame is %s', (_, service, services) => {
  expect(toBlame(services, at(100), 10_000)).toBe(service);
});
