import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { Public, Scopes } from './auth.ts';
import { createService, type Service } from './service.ts';
import { exchange, settings, signToken } from './spec-support.ts';

@Controller('things')
class ThingsController {
  @Get()
  @Scopes('slips:read')
  read() {
    return {};
  }

  @Get('open')
  @Public()
  open() {
    return {};
  }

  @Post()
  @Public()
  write() {
    handled += 1;
    return {};
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let service: Service;
let handled = 0;
let shedS: number | null = null;
beforeAll(async () => {
  service = await createService({
    ...{ name: 'things', module: ThingsModule, settings },
    clientQuota: { requestsMax: 2, windowMs: 60_000 },
    shed: ({ method, url }) => (method === 'POST' && url === '/things' ? shedS : null),
  });
});
afterAll(() => service.stop());
beforeEach(() => {
  shedS = null;
});

const read = async (subject: string) =>
  fetch(`${service.url}/things`, {
    headers: { authorization: `Bearer ${await signToken({ sub: subject })}` },
  });
const problem = async (answer: Response) => (await answer.json()) as { code: string };

test('a client that sends more than it may gets 429 and is told when it may again; others are not touched', async () => {
  const first = await read('a');
  expect(first.status).toBe(200);
  expect(first.headers.get('ratelimit-policy')).toBe('"client";q=2;w=60');
  expect(first.headers.get('ratelimit')).toBe('"client";r=1;t=30');
  expect((await read('a')).status).toBe(200);
  const refused = await read('a');
  expect([refused.status, (await problem(refused)).code]).toEqual([429, 'rate_limited']);
  expect(refused.headers.get('ratelimit')).toMatch(/^"client";r=0;t=(29|30)$/);
  expect(refused.headers.get('retry-after')).toMatch(/^(29|30)$/);
  expect((await read('b')).status).toBe(200);
});

test('whoever needs no token is not counted', async () => {
  for (let i = 0; i < 5; i++) {
    const answer = await fetch(`${service.url}/things/open`);
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null]);
  }
});

test('what would wait too long is refused before its body is read, and its connection stays good', async () => {
  shedS = 7;
  const before = handled;
  const headers = { 'content-type': 'application/json' };
  const refused = await fetch(`${service.url}/things`, { method: 'POST', headers, body: 'no JSON at all' });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7']);
  expect(await problem(refused)).toMatchObject({ code: 'overloaded' });
  // Written in another way it is the same address.
  const other = await fetch(`${service.url}/%74hings`, { method: 'POST', headers, body: '{}' });
  expect(other.status).toBe(503);
  const whole = 'POST http://elsewhere/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  expect((await exchange(service.url, [whole])).status).toBe(503);
  expect(handled).toBe(before);
  expect((await fetch(`${service.url}/things/open`)).status).toBe(200);
  shedS = null;
  const letIn = await fetch(`${service.url}/things`, { method: 'POST', headers, body: '{}' });
  expect([letIn.status, handled]).toEqual([201, before + 1]);
});
