import { describe, expect, test } from '@jest/globals';
import { decodeSlipEvent } from './codec.ts';
import { readEnvelope } from './envelope.ts';
import { opsEventOf } from './ops-codec.ts';
import { has, type Plain, plain, readGolden } from './test-support/golden.ts';
import { sampleEvents, sampleOpsEvents } from './test-support/samples.ts';

const files = readGolden();
const records = [...files].flatMap(([name, golden]) => golden.map((one, n) => ({ name, n, ...one })));

describe('a record that was ever written', () => {
  test.each(records)('$name[$n] means what it meant then', ({ bytes, event }) => {
    const record = Buffer.from(bytes, 'base64');
    expectSame(plain((opsEventOf(readEnvelope(record)) ?? decodeSlipEvent(record)).event), event);
  });

  test('is kept for every type, value and member there is now: else run `npm run golden`', () => {
    const samples = [...sampleEvents(), ...sampleOpsEvents()];
    expect(samples.filter((event) => !has(files, event))).toEqual([]);
  });
});

/** Fields that came since then are empty. */
function expectSame(now: Plain, then: Plain): void {
  expect(now).toMatchObject({ ...then });
  for (const [name, value] of Object.entries(now.data)) {
    if (!(name in then.data)) expect([null, false, 0, '', '0n', []]).toContainEqual(value);
  }
}
