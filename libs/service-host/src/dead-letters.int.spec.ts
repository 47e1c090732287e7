import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { cloudEventType, encodeSlipEvent, sources, stampEnvelope } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, DeadLetters, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { deadLetterDesk } from '@slipstream/runtime';

import { createService, type Service } from './service.ts';
import { settings, signToken } from './spec-support.ts';

@Module({})
class EmptyModule {}

const environment = sharedEnvironment();
const topic = 'slips.events.v1';
let service: Service;
let unitOfWork: UnitOfWork;
let close: () => Promise<void>;
let woken = 0;
const logged: string[] = [];

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'dead_letters');
  const dataSource = await openDataSource({ url, applicationName: 'spec' });
  await migrate(dataSource, [coreMigrations]);
  unitOfWork = new UnitOfWork(dataSource);
  const deadLetters = deadLetterDesk({
    letters: new DeadLetters(unitOfWork, () => [topic]),
    newId: randomUUID,
    wake: () => {
      woken += 1;
    },
    log: (message) => logged.push(message),
  });
  service = await createService({ name: 'ledger', module: EmptyModule, settings, deadLetters });
  close = async () => {
    await service.stop();
    await dataSource.destroy();
  };
  await plant();
});
afterAll(() => close?.());

/** Three slips behind dead letters; the first has an event that can be read. */
async function plant(): Promise<void> {
  const head = { id: 'e-1', source: sources.ledger, subject: 'slip-1', clock: 'wall' };
  const time = '2026-11-22T10:39:00.123456Z';
  const event = { type: 'HoldRefused', data: { reason: 'AM04', detail: 'no funds' } } as const;
  const bytes = stampEnvelope(encodeSlipEvent(head, event), { sequence: '7', time, receivedTime: time });
  const rows: [string, number, string, Buffer][] = [
    ['slip-1', 10, 'failed', bytes],
    ['slip-1', 14, 'parked_behind', bytes],
    ['slip-2', 11, 'undecodable', Buffer.from('no event')],
    ['slip-3', 12, 'failed', bytes],
    ['slip-3', 13, 'parked_behind', bytes],
  ];
  for (const [slip, offset, reason, value] of rows) {
    await unitOfWork.query(
      `insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, key, value, headers, reason, error_class, detail, attempts)
       values ('ledger', $1, 3, $2, $3, convert_to($3, 'UTF8'), $4, '{"Trace-Id": "T1"}', $5, 'TypeError', 'why', 3)`,
      [topic, offset, slip, value, reason],
    );
    await unitOfWork.query(
      "insert into parked_key (consumer_group, topic, partition, key) values ('ledger', $1, 3, $2) on conflict do nothing",
      [topic, slip],
    );
  }
}

async function call(path: string, body?: object, scope = 'dead_letters:read dead_letters:redrive') {
  const below = path.startsWith('/redrives/') ? '/v1' : '/v1/dead-letters';
  const response = await fetch(`${service.url}${below}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${await signToken({ scope })}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}

const data = ({ body }: { body: { data: { slip: string; offset: number; reason: string }[] } }) =>
  body.data.map(({ slip, offset }) => `${slip} ${offset}`);

describe('the list', () => {
  it('shows letters oldest first, page by page and back', async () => {
    const first = await call('?page_size=2');
    expect(data(first)).toEqual(['slip-1 10', 'slip-1 14']);
    const { next } = first.body as { next: string };
    expect(first.headers.get('link')).toContain('rel="next"');
    const second = await call(`?page_size=2&cursor=${next}`);
    expect(data(second)).toEqual(['slip-2 11', 'slip-3 12']);
    const back = await call(`?page_size=2&cursor=${(second.body as { previous: string }).previous}`);
    expect(data(back)).toEqual(['slip-1 10', 'slip-1 14']);
    expect((back.body as { previous: string | null }).previous).toBeNull();
  });

  it.each([
    ['topic=slips.events.v1&reason=failed', ['slip-1 10', 'slip-3 12']],
    ['slip=slip-3', ['slip-3 12', 'slip-3 13']],
    ['partition=4', []],
    ['status=parked&partition=3&reason=undecodable', ['slip-2 11']],
    ['status=redriven', []],
  ])('filters by %s', async (query, expected) => expect(data(await call(`?${query}`))).toEqual(expected));

  it.each(['status=lost', 'partition=x', 'slip=', 'slip=%00', 'unknown=1', 'cursor=WzFd'])(
    'refuses %s',
    async (query) => expect((await call(`?${query}`)).status).toBe(400),
  );

  it('counts what waits', async () => {
    expect((await call('/summary')).body).toEqual({
      waiting: [
        { topic, reason: 'failed', letters: 2, slips: 2 },
        { topic, reason: 'parked_behind', letters: 2, slips: 2 },
        { topic, reason: 'undecodable', letters: 1, slips: 1 },
      ],
    });
  });
});

describe('one letter', () => {
  it('has headers, bytes and the event', async () => {
    const { body } = await call('/1');
    expect(body).toMatchObject({
      ...{
        id: '1',
        topic,
        partition: 3,
        offset: 10,
        slip: 'slip-1',
        key: 'slip-1',
        consumer_group: 'ledger',
      },
      ...{ reason: 'failed', error_class: 'TypeError', status: 'parked', attempts: 3, redrives: 0 },
      headers: { 'Trace-Id': 'T1' },
      event: {
        type: cloudEventType('HoldRefused'),
        subject: 'slip-1',
        sequence: 7,
        data: { reason: 'AM04' },
      },
      value: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
    });
  });

  it('has no event when it cannot be read', async () => {
    const { body } = await call('/3');
    expect(body).toMatchObject({ event: null, value: Buffer.from('no event').toString('base64') });
  });

  it.each(['/999', '/0', '/x', '/redrives/x', `/redrives/${randomUUID()}`])('%s is not found', async (path) =>
    expect((await call(path)).status).toBe(404),
  );
});

describe('who may', () => {
  it('reading and redriving are scopes of their own', async () => {
    expect((await call('', undefined, 'slips:read')).status).toBe(403);
    expect((await call('/redrive', { filter: {} }, 'dead_letters:read')).status).toBe(403);
    expect((await call('/1/dismiss', { reason: 'x' }, 'dead_letters:read')).status).toBe(403);
  });
});

describe('a redrive', () => {
  it.each([
    [{}, 422],
    [{ ids: ['1'], filter: {} }, 422],
    [{ ids: ['x'] }, 422],
    [{ filter: {}, dry_run: false }, 422],
    [{ filter: { colour: 'red' } }, 400],
    [{ filter: {}, limit: 0 }, 422],
    [{ filter: {}, per_second: 5_000 }, 422],
  ])('refuses %p', async (body, status) => expect((await call('/redrive', body)).status).toBe(status));

  it('counts first, and does nothing then', async () => {
    const { status, body } = await call('/redrive', { filter: { reason: 'failed' } });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ dry_run: true, id: null, letters: 4, slips: 2, exhausted: 0 },
      by_reason: [
        { reason: 'failed', letters: 2 },
        { reason: 'parked_behind', letters: 2 },
      ],
      by_slip: [
        { slip: 'slip-1', reason: 'failed', letters: 2 },
        { slip: 'slip-3', reason: 'failed', letters: 2 },
      ],
    });
    expect(await unitOfWork.query('select 1 from redrive')).toEqual([]);
    expect(woken).toBe(0);
  });

  it('is asked for with a reason, names its row, and tells how far it is', async () => {
    const body = { ids: ['5'], dry_run: false, reason: 'the bug is mended', per_second: 10 };
    const asked = await call('/redrive', body);
    expect(asked.status).toBe(202);
    expect(asked.body).toMatchObject({ dry_run: false, letters: 2, slips: 1 });
    const { id } = asked.body as { id: string };
    expect(asked.headers.get('location')).toBe(`/v1/redrives/${id}`);
    expect(woken).toBe(1);
    expect(logged).toEqual(['redrive asked for']);
    expect((await call(`/redrives/${id}`)).body).toMatchObject({
      ...{ id, action: 'redrive', requested_by: 'alice', reason: 'the bug is mended', per_second: 10 },
      ...{ letters: 2, slips: 1, waiting: 1, redriven: 0, failed: 0 },
    });
    const parked = await unitOfWork.query('select key from parked_key where redrive_id = $1', [id]);
    expect(parked).toEqual([{ key: 'slip-3' }]);
  });
});

describe('dismissing', () => {
  it('is refused for a letter that only waits, and needs a reason', async () => {
    expect((await call('/2/dismiss', { reason: 'x' })).status).toBe(409);
    expect((await call('/1/dismiss', {})).status).toBe(422);
    expect((await call('/99/dismiss', { reason: 'x' })).status).toBe(404);
  });

  it('releases what waits behind it', async () => {
    const { status, body } = await call('/1/dismiss', { reason: 'a test record' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ released: 1 });
    expect((await call('/1')).body).toMatchObject({ status: 'dismissed' });
  });
});
