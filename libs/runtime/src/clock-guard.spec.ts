import { describe, expect, test } from '@jest/globals';
import { type Source, sources } from '@slipstream/contracts';
import type { SourceClock } from '@slipstream/kafka';
import { clockSpreadMs, clockTrouble, clockWatch } from './clock-guard.ts';

const { intake, gateway } = sources;
const clocks = (skews: { readonly [source: string]: Partial<SourceClock> }) => ({
  sourceClock: (source: Source): SourceClock => ({ skewMs: null, steppedBackMs: 0, ...skews[source] }),
});
const trouble = (skews: { readonly [source: string]: Partial<SourceClock> }) =>
  clockTrouble(clocks(skews), [intake, gateway], 1_000);

describe('clocks', () => {
  test('lie as far apart as the extremes, the broker’s among them', () => {
    const spread = (a: number | null, b: number | null) =>
      clockSpreadMs(clocks({ [intake]: { skewMs: a }, [gateway]: { skewMs: b } }), [intake, gateway]);
    expect(spread(null, null)).toBe(0);
    expect(spread(-5, -300)).toBe(300);
    expect(spread(400, 700)).toBe(700);
    expect(spread(-400, 700)).toBe(1_100);
  });

  test('within the bound, or unknown, are trusted', () => {
    expect(trouble({})).toBeNull();
    expect(trouble({ [intake]: { skewMs: -400 }, [gateway]: { skewMs: 600 } })).toBeNull();
  });

  test('too far apart are not, and the worst is named', () => {
    expect(trouble({ [intake]: { skewMs: -4 }, [gateway]: { skewMs: 10_000 } })).toBe(
      "clocks lie 10004 ms apart (1000 are allowed): that of /slipstream/provider-gateway's database is 10000 ms ahead of the broker's",
    );
  });

  test('in trouble are told of once, and once when it ends', () => {
    const skews: { [source: string]: Partial<SourceClock> } = {};
    const lines: string[] = [];
    const watch = clockWatch(clocks(skews), [intake], 1_000, (line) => lines.push(line));
    expect(watch()).toBeNull();
    for (const skewMs of [5_000, 5_001, 3, 2]) {
      Object.assign(skews, { [intake]: { skewMs } });
      clocks(skews);
      watch();
    }
    expect(lines).toEqual([expect.stringContaining('5000 ms apart'), 'the clocks agree again']);
  });

  test('that stepped back behind what they vouched for are not', () => {
    expect(trouble({ [gateway]: { skewMs: 0, steppedBackMs: 1_001 } })).toContain('stepped back');
    expect(trouble({ [gateway]: { skewMs: 0, steppedBackMs: 1_000 } })).toBeNull();
  });
});
