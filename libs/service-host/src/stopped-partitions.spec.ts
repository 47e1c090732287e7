import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import type { PartitionDesk } from '@slipstream/runtime';
import { createService, type Service } from './service.ts';
import { settings, signToken } from './spec-support.ts';

@Module({})
class EmptyModule {}

const reader = 'dead_letters:read';
const decider = `${reader} dead_letters:redrive`;
const good = { topic: 'slips.events.v1', partition: 3, offset: 812, reason: 'lost with broker 2' };
const decided: unknown[] = [];
let service: Service;

beforeAll(async () => {
  const partitions: PartitionDesk = {
    list: async () => [],
    async goOn(place, offset, who) {
      if (place.partition !== 3) throw new SlipstreamError('not_found', 'This partition has not stopped.');
      decided.push([place, offset, who]);
      return { id: 'd-1' };
    },
  };
  service = await createService({ name: 'ledger', module: EmptyModule, settings, partitions });
});
afterAll(() => service?.stop());
beforeEach(() => void decided.splice(0));

async function call(scope: string, path: string, body?: object) {
  const response = await fetch(`${service.url}/v1/stopped-partitions${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${await signToken({ scope })}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await response.json() };
}

it('shows those that stopped to who may read dead letters', async () => {
  expect(await call(reader, '')).toEqual({ status: 200, body: { data: [] } });
  expect((await call('slips:read', '')).status).toBe(403);
  expect((await call(reader, '?partition=3')).status).toBe(400);
});

it('lets one go on for who may redrive, and keeps who decided and why', async () => {
  expect((await call(reader, '/go-on', good)).status).toBe(403);
  expect(decided).toEqual([]);
  expect(await call(decider, '/go-on', good)).toEqual({ status: 200, body: { id: 'd-1' } });
  const { topic, partition, offset, reason } = good;
  expect(decided).toEqual([[{ topic, partition }, offset, { by: 'alice', reason }]]);
});

it.each([
  [{ offset: -1 }, 422],
  [{ offset: 1.5 }, 422],
  [{ offset: '812' }, 422],
  [{ partition: 1_000_000 }, 422],
  [{ topic: '' }, 422],
  [{ topic: 'a\0b' }, 400],
  [{ reason: '' }, 422],
  [{ reason: undefined }, 422],
  [{ colour: 'red' }, 400],
  [{ partition: 4 }, 404],
])('with %p the answer is %p', async (other, status) => {
  expect((await call(decider, '/go-on', { ...good, ...other })).status).toBe(status);
  expect(decided).toEqual([]);
});
