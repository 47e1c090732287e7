import { expect, it } from '@jest/globals';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { encodeSlipEvent } from './codec.ts';
import { sources } from './sources.ts';

it('a checkpoint is read as it was written; an event of another type is none', () => {
  const checkpoint = {
    id: '01970000-0000-7000-8000-000000000001',
    at: '2026-11-26T10:00:00.000001Z',
    note: 'slipstream ledger checkpoint\n0 1 AA==\n\n— slipstream.ledger AA==\n',
    verifierKey: 'slipstream.ledger+00000000+AQ==',
  };
  expect(decodeCheckpoint(Buffer.from(encodeCheckpoint(checkpoint)))).toEqual(checkpoint);
  const head = { id: 'e-1', source: sources.ledger, subject: 's', clock: 'wall' };
  const other = encodeSlipEvent(head, { type: 'FundsHeld', data: { transaction: null } });
  expect(decodeCheckpoint(Buffer.from(other))).toBeNull();
});
