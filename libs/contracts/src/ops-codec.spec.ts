import { expect, test } from '@jest/globals';
import type { OpsEvent } from '@slipstream/slip';
import { readEnvelope } from './envelope.ts';
import { decodeOpsEvent, encodeOpsEvent } from './ops-codec.ts';
import { opsCloudEventType } from './ops-event-types.ts';
import { stampEnvelope } from './stamp.ts';
import { encode } from './test-support/golden.ts';
import { sampleEvents, sampleOpsEvents } from './test-support/samples.ts';

const head = { id: 'e-1', source: '/slipstream/intake', subject: 'cust-42' };
const time = '2026-11-22T10:39:00.123456Z';
const record = (event: OpsEvent): Buffer =>
  stampEnvelope(encodeOpsEvent(head, event), { sequence: '7', incarnation: '3', time, receivedTime: time });

test.each(sampleOpsEvents())('%# $type comes back as it went', (event) => {
  expect(decodeOpsEvent(record(event))).toEqual({ ...head, sequence: 7n, time, event });
});

test('its envelope is one of ours: numbered, on the wall clock, about its subject', () => {
  const event = sampleOpsEvents().find(({ type }) => type === 'ConfigApplied')!;
  expect(readEnvelope(record(event))).toMatchObject({
    type: 'slipstream.ops.config_applied.v1',
    ...{ subject: 'cust-42', clock: 'wall', sequence: 7, incarnation: 3 },
  });
});

test('types that are no operations events are told apart, and none is taken for a slip event', () => {
  expect(decodeOpsEvent(encode(sampleEvents()[0]!))).toBeNull();
  expect(opsCloudEventType('AccountStatusChanged')).toBe('slipstream.ops.account_status_changed.v1');
});

test('what has no number yet is refused', () => {
  const event = sampleOpsEvents()[0]!;
  expect(() => decodeOpsEvent(Buffer.from(encodeOpsEvent(head, event)))).toThrow(/lacks sequence/);
});
