import { describe, expect, it } from '@jest/globals';
import { encodeOpsEvent, sources, stampEnvelope } from '@slipstream/contracts';
import type { OpsEvent } from '@slipstream/slip';
import { appliedIn, appliedTable } from './applied-rules.ts';

const time = '2026-11-22T10:39:00.120000Z';
const record = (event: OpsEvent) =>
  stampEnvelope(encodeOpsEvent({ id: 'e-1', source: sources.ledger, subject: 'ledger' }, event), {
    ...{ sequence: '7', time, receivedTime: time },
  });
const data = { service: 'ledger', digest: 'b'.repeat(64), previous: 'a'.repeat(64) };

describe('rules that a service says it applies', () => {
  it('are told with the time from which on it does', () => {
    expect(appliedIn(record({ type: 'ConfigApplied', data }))).toEqual({ ...data, since: time });
  });

  it('are in no other record of the operations log, nor in one that cannot be read', () => {
    const acted = {
      service: 'ledger',
      action: 'inquire',
      target: 's-1',
      actor: 'ops',
      reason: null,
      detail: null,
    };
    expect(appliedIn(record({ type: 'OperatorActed', data: acted } as unknown as OpsEvent))).toBeNull();
    expect(appliedIn(Buffer.from('no event'))).toBeNull();
    expect(appliedIn(null)).toBeNull();
  });

  it('are shown beside a file', () => {
    const applied = [{ ...data, since: time }];
    expect(appliedTable(applied, null)).toContain(
      `ledger   ${data.digest}  2026-11-22T10:39:00.12Z  ${data.previous}`,
    );
    expect(appliedTable(applied, data.digest)).toMatch(/yes$/);
    expect(appliedTable(applied, data.previous)).toMatch(/NO$/);
    expect(appliedTable([], null)).toBe('no service has said by which rules it judges');
  });
});
