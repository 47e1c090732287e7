import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCheck } from '@slipstream/checker';
import { checkTarget } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import { bootStack, type TestStack } from './support.ts';

let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack({ behaviour: { mode: 'sync', latency_ms: [0, 50], failure_rate: 0 } });
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

type Json = Record<string, unknown> & { id: string; status: string };

async function ask(service: string, path: string, role: string, body?: object): Promise<Json> {
  const { env } = booted.stack;
  const headers = { authorization: `Bearer ${env[`TOKEN_${role}`]}`, 'idempotency-key': randomUUID() };
  const sent = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(`${env[`${service}_URL`]}${path}`, {
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...sent,
  });
  const json = (await answer.json()) as Json;
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
  return json;
}
const intake = (path: string, role: string, body: object = {}) => ask('INTAKE', path, role, body);
const submit = (reference: string, more: object) =>
  intake('/v1/slips', 'PUBLISHER', {
    ...{ reference, kind: 'payout', account: 'cust-1', counterparty: 'shop-1', route: 'payouts' },
    amount: { amount: '100000', currency: 'EUR' },
    ...more,
  });
/** As the ledger shows it, once it stands there. */
const shown = (id: string, status: string) =>
  waitFor(
    async () => {
      const slip = await ask('LEDGER', `/v1/slips/${id}`, 'OPS').catch(() => null);
      return slip?.status === status ? slip : null;
    },
    { what: `slip ${id} to be ${status}`, timeoutMs: 60_000 },
  );
const moved = async (id: string) => {
  const { data } = await ask('LEDGER', `/v1/transactions?slip=${id}`, 'OPS');
  return (data as { type: string }[]).map(({ type }) => type).sort();
};

test('nothing is held or sent before a draft is confirmed and people have approved; then all goes its way', async () => {
  const draft = await submit('draft-1', { confirm: false, kind: 'order', route: 'default' });
  const back = await submit('draft-2', { confirm: false, kind: 'order', route: 'default' });
  const reviewed = await submit('payout-1', {});
  const declined = await submit('payout-2', {});
  const withdrawn = await submit('payout-3', {});
  const two = await submit('payout-4', { amount: { amount: '1000000', currency: 'EUR' } });
  expect(await shown(draft.id, 'draft')).toMatchObject({
    ...{ reference: 'draft-1', account: 'cust-1', submitted_at: null, version: 1 },
    iso20022: { status: 'RCVD' },
  });
  for (const { id } of [reviewed, declined, withdrawn, two]) {
    expect(await shown(id, 'in_review')).toMatchObject({ iso20022: { status: 'PDNG' }, dispatched_at: null });
    expect(await moved(id)).toEqual([]);
  }
  const listed = await ask('LEDGER', '/v1/slips?status=in_review', 'OPS');
  expect(listed.data).toHaveLength(4);

  await intake(`/v1/slips/${draft.id}/confirm`, 'PUBLISHER');
  await intake(`/v1/slips/${back.id}/withdraw`, 'PUBLISHER', { reason: 'changed my mind' });
  await intake(`/v1/reviews/${reviewed.id}/approve`, 'APPROVER');
  await intake(`/v1/reviews/${declined.id}/decline`, 'APPROVER', { reason: 'wrong_payee' });
  await intake(`/v1/slips/${withdrawn.id}/withdraw`, 'PUBLISHER');
  expect(await intake(`/v1/reviews/${two.id}/approve`, 'APPROVER')).toMatchObject({ status: 'in_review' });
  expect(await intake(`/v1/reviews/${two.id}/approve`, 'ADMIN')).toMatchObject({ status: 'submitted' });

  for (const { id } of [draft, reviewed, two]) {
    expect(await shown(id, 'settled')).toMatchObject({ outcome: 'succeeded', overdue: false });
    expect(await moved(id)).toEqual(['hold', 'settle']);
  }
  for (const [{ id }, status, iso] of [
    [back, 'withdrawn', 'CANC'],
    [withdrawn, 'withdrawn', 'CANC'],
    [declined, 'declined', 'RJCT'],
  ] as const) {
    expect(await shown(id, status)).toMatchObject({ iso20022: { status: iso }, dispatched_at: null });
    expect(await moved(id)).toEqual([]);
  }
  const { summary } = await runCheck(checkTarget(booted.stack));
  expect(summary).toMatchObject({
    ...{ slips: 5, returned: 3, rejected: 2, false_alarms: 0, missed: 0, lost_events: 0 },
    ...{ ledger_balanced: true, executed_twice: 0, money_differs: 0, verdict_differs: 0, parked: 0 },
  });
}, 240_000);
