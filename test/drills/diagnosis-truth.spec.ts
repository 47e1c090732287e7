import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FAULTS } from '@slipstream/provider-simulator';
import { labels } from './diagnosis-labels.ts';
import { confusionOf, type Diagnosed } from './diagnosis-truth.ts';

const slip = (more: Partial<Diagnosed>): Diagnosed => ({
  ...{ faults: ['lost_callback'], missed: true, said: { class: 'third_party', code: 'callback_lost' } },
  ...more,
});
const said = (kind: 'system' | 'network' | 'undetermined', code: string) => ({ class: kind, code });

describe('the confusion matrix', () => {
  test('counts a class as right when it is that of one of the faults', () => {
    const { matrix, ...sums } = confusionOf([
      slip({}),
      slip({ said: said('network', 'reply_lost') }),
      slip({ faults: ['lost_callback', 'gateway_stopped'], said: said('system', 'gateway_stalled') }),
      slip({ missed: false, said: null }),
    ]);
    expect(sums).toEqual({ all: 3, right: 2, wrong: 1, unsaid: 0, overlapping: 1, holds: false });
    expect(matrix).toEqual([
      {
        ...{ faults: 'lost_callback', slips: 3, in_time: 1, right: 1, wrong: 1, unsaid: 0 },
        said: { 'third_party/callback_lost': 1, 'network/reply_lost': 1 },
      },
      {
        ...{ faults: 'lost_callback + gateway_stopped', slips: 1, in_time: 0, right: 1, wrong: 0, unsaid: 0 },
        said: { 'system/gateway_stalled': 1 },
      },
    ]);
  });

  test('counts nothing, and "undetermined", as not right', () => {
    const none = confusionOf([slip({ said: null }), slip({ said: said('undetermined', 'undetermined') })]);
    expect(none).toMatchObject({ all: 2, right: 0, wrong: 0, unsaid: 2, holds: false });
  });

  test('holds from 95 % right on, with at most 1 % wrong', () => {
    const many = (right: number, wrong: number, unsaid: number) =>
      confusionOf([
        ...Array.from({ length: right }, () => slip({})),
        ...Array.from({ length: wrong }, () => slip({ said: said('network', 'reply_lost') })),
        ...Array.from({ length: unsaid }, () => slip({ said: null })),
      ]).holds;
    expect([many(95, 1, 4), many(95, 2, 3), many(94, 1, 5), many(0, 0, 0)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('blames somebody for a slip that missed nothing only wrongly', () => {
    expect(confusionOf([slip({ faults: ['usual'], said: said('system', 'hold_late') })])).toMatchObject({
      wrong: 1,
    });
  });
});

test('every fault of the simulator has its class, and docs/reference/causes.md says the same', () => {
  expect(Object.keys(labels)).toEqual(expect.arrayContaining([...FAULTS]));
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/causes.md'), 'utf8');
  const table = page
    .slice(page.indexOf('### The faults of the drill'))
    .matchAll(/^\| ([a-z_ ]+) \| (`.*`) \|$/gm);
  const documented = [...table].flatMap(([, classes, names]) =>
    names!.match(/\w+/g)!.map((name) => [name, classes === 'none' ? [] : classes!.split(' or ')] as const),
  );
  expect(Object.fromEntries(documented)).toEqual(labels);
});
