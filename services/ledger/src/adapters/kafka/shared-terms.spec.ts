import { expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { recordedAs, returned, submitted } from '../../../test/builders.ts';
import type { LogRecord } from '../../domain/log/follow.ts';
import { SharedTerms } from './shared-terms.ts';

/** Each with words and objects of its own, as they are decoded. */
function recordOf(event: SlipEvent, n: number): LogRecord {
  const recorded = structuredClone(recordedAs(event, n));
  const { id: eventId, slipId, source, clock, time, receivedTime } = recorded;
  return {
    ...{
      partition: 0,
      offset: n,
      sequence: n,
      source,
      eventId,
      type: 't',
      slipId,
      clock,
      time,
      receivedTime,
    },
    ...{ bytes: Buffer.alloc(0), traceparent: '', recorded },
  };
}

const policyOf = ({ recorded }: LogRecord) =>
  recorded?.event.type === 'SlipSubmitted' ? recorded.event.data.policy : null;

test('records say what they said, and those that say the same of a policy have one copy of it', () => {
  const terms = new SharedTerms();
  const other = submitted();
  if (other.type !== 'SlipSubmitted') throw new Error('another event');
  const slower = { ...other, data: { ...other.data, policy: { ...other.data.policy, graceMs: 77 } } };
  const records = [
    submitted(),
    submitted(),
    slower,
    returned('succeeded'),
    submitted({ provider: null }),
  ].map(recordOf);
  const shared = records.map((record) => terms.of(record));
  expect(shared).toEqual(records);
  const [one, same, differs] = shared.map(policyOf);
  expect(one).not.toBeNull();
  expect(same).toBe(one);
  expect(differs).not.toBe(one);
});

test('it keeps no more than it may, whatever comes', () => {
  const terms = new SharedTerms();
  const first = terms.of(recordOf(submitted(), 1));
  for (let n = 0; n < 1_001; n++) {
    const event = submitted({ counterparty: `shop-${n}` }) as Extract<SlipEvent, { type: 'SlipSubmitted' }>;
    terms.of(
      recordOf(
        { ...event, data: { ...event.data, policy: { ...event.data.policy, graceMs: 10_000 + n } } },
        n,
      ),
    );
  }
  expect(policyOf(terms.of(recordOf(submitted(), 2)))).not.toBe(policyOf(first));
});
