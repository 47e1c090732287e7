import 'reflect-metadata';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  HttpCode,
  HttpException,
  Logger,
  Module,
  Param,
  Post,
  Put,
  Req,
} from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString, Length, ValidateNested } from 'class-validator';
import { Public } from './auth.ts';
import type { ServiceRequest } from './http-server.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { RawBody } from './raw-body.ts';
import { createService, type Service } from './service.ts';
import { exchange, settings } from './spec-support.ts';

class Amount {
  @IsString()
  @Length(1, 19)
  amount!: string;

  @IsIn(['EUR', 'JPY'])
  currency!: string;
}

class NewThing {
  @IsString()
  reference!: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => Amount)
  amount?: Amount;

  @IsOptional()
  @IsObject()
  metadata?: Record<string, unknown>;
}

const failures: Record<string, () => unknown> = {
  slipstream: () => new SlipstreamError('reference_taken', 'ord-1 is taken.'),
  overloaded: () => new SlipstreamError('overloaded', 'Come back.'),
  signature: () => new SlipstreamError('signature_invalid', 'Wrong signature.'),
  nest: () => new ForbiddenException('not you'),
  teapot: () => new HttpException('short and stout', 418),
  limit: () => new HttpException('too many', 429),
  unknown: () => new TypeError('password=hunter2'),
  text: () => 'hunter2',
  nothing: () => undefined,
};

@Public()
@Controller('things')
class ThingsController {
  @Post()
  @HttpCode(202)
  create(@Body() thing: NewThing, @Req() request: ServiceRequest) {
    return { key: idempotencyKeyOf(request), thing };
  }

  @Post('raw')
  raw(@RawBody() body: Buffer) {
    return { bytes: body.toString('hex') };
  }

  @Post('file')
  file(@RawBody() body: Buffer) {
    return { bytes: body.toString('hex') };
  }

  @Post('things::batch')
  batch() {
    return { batch: true };
  }

  @Put(':id')
  put(@Param('id') id: string) {
    return { id };
  }

  @Get('fail/:how')
  fail(@Param('how') how: string) {
    throw failures[how]?.();
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let service: Service;
beforeAll(async () => {
  service = await createService({
    name: 'things',
    module: ThingsModule,
    settings,
    limits: {
      ...{ requestTimeoutMs: 400, headersTimeoutMs: 300, timeoutCheckIntervalMs: 50 },
      fileTypesOf: { '/things/file': ['application/json'] },
    },
  });
});
afterAll(() => service.stop());

const json = { 'content-type': 'application/json', 'idempotency-key': 'k-1' };
const post = (body: string | Buffer, headers: Record<string, string> = json, path = '/things') =>
  fetch(`${service.url}${path}`, {
    method: 'POST',
    headers,
    body: Uint8Array.from(Buffer.from(body as string)),
  });

interface Answer {
  status: number;
  code: string;
  errors?: unknown;
  [key: string]: unknown;
}

async function problemOf(answer: Response): Promise<Answer> {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = (await answer.json()) as Answer;
  expect(body).toMatchObject({
    type: `urn:slipstream:error:${body.code}`,
    title: expect.any(String),
    status: answer.status,
    detail: expect.any(String),
    instance: `urn:uuid:${answer.headers.get('x-request-id')}`,
  });
  return body;
}

async function expectAlive(): Promise<void> {
  expect((await fetch(`${service.url}/livez`)).status).toBe(200);
}

describe('a body', () => {
  it('that is good comes in unchanged', async () => {
    const thing = {
      reference: 'ord-1',
      amount: { amount: '9007199254740993', currency: 'EUR' },
      metadata: { B: 1 },
    };
    const answer = await post(JSON.stringify(thing), {
      ...json,
      'content-type': 'application/json; charset=UTF-8',
    });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ key: 'k-1', thing });
  });

  it.each<[string, string | Buffer, number, string]>([
    ['broken', '{bad', 400, 'malformed_json'],
    ['empty', '', 400, 'malformed_json'],
    ['with duplicate keys', '{"reference":"a","reference":"b"}', 400, 'malformed_json'],
    ['with __proto__', '{"reference":"a","__proto__":{"x":1}}', 400, 'malformed_json'],
    ['with constructor', '{"reference":"a","constructor":{"prototype":{"x":1}}}', 400, 'malformed_json'],
    ['10,000 levels deep', '['.repeat(10_000) + ']'.repeat(10_000), 400, 'malformed_json'],
    ['with a long number', `{"reference":${'9'.repeat(60_000)}}`, 422, 'validation_failed'],
    ['with a byte order mark', '\ufeff{"reference":"a"}', 400, 'malformed_json'],
    ['in UTF-16', Buffer.from('{"reference":"a"}', 'utf16le'), 400, 'malformed_json'],
    ['of invalid UTF-8', Buffer.from('7b2261223aff7d', 'hex'), 400, 'malformed_json'],
    ['with a lone surrogate', '{"reference":"\\udc00"}', 400, 'malformed_json'],
    ['with U+0000', '{"reference":"\\u0000"}', 400, 'malformed_json'],
    ['with trailing data', '{"reference":"a"}x', 400, 'malformed_json'],
    ['over 64 KiB', `{"reference":"${'x'.repeat(65_536)}"}`, 413, 'payload_too_large'],
    ['that is a list', '[]', 422, 'validation_failed'],
    ['that is a text', '"x"', 422, 'validation_failed'],
    ['that is a number', '1', 422, 'validation_failed'],
    ['that is null', 'null', 422, 'validation_failed'],
    ['that is true', 'true', 422, 'validation_failed'],
  ])('%s is refused', async (_, body, status, code) => {
    expect(await problemOf(await post(body))).toMatchObject({ status, code });
    await expectAlive();
  });

  it('is read of nobody who takes us for a proxy: 405, and the connection ends', async () => {
    const answer = await exchange(service.url, ['CONNECT things:80 HTTP/1.1\r\nhost: things:80\r\n\r\n']);
    expect(answer.status).toBe(405);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'method_not_allowed' });
    await expectAlive();
  });

  it('that grows over 64 KiB without saying so is refused', async () => {
    const chunk = `${(10_000).toString(16)}\r\n${' '.repeat(10_000)}\r\n`;
    const head =
      'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const answer = await exchange(service.url, [head, ...Array<string>(8).fill(chunk), '0\r\n\r\n']);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'payload_too_large' });
  });

  it.each<[string, Record<string, string>]>([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['application/x-www-form-urlencoded', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['application/xml', { 'content-type': 'application/xml' }],
    ['application/merge-patch+json', { 'content-type': 'application/merge-patch+json' }],
    ['no media type at all', { 'content-type': 'json' }],
    ['JSON in another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['gzip', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('of type %s is 415', async (_, headers) => {
    expect(await problemOf(await post('{}', headers))).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
    });
  });

  it.each<[string, string | Buffer]>([
    ['broken', '{bad'],
    ['with duplicate keys', '{"a":1,"a":2}'],
    ['with U+0000', '{"a":"\\u0000"}'],
    ['of invalid UTF-8', Buffer.from('7b2261223aff7d', 'hex')],
  ])('%s comes in as it is where a route takes it so, and nowhere else', async (_, body) => {
    const bytes = Buffer.from(body).toString('hex');
    expect(await (await post(body, json, '/things/file')).json()).toEqual({ bytes });
    expect(await problemOf(await post(body, json, '/things/raw'))).toMatchObject({
      ...{ status: 400, code: 'malformed_json' },
    });
    const packed = await post(body, { ...json, 'content-encoding': 'gzip' }, '/things/file');
    expect(await problemOf(packed)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('is there byte for byte for signatures', async () => {
    const bytes = Buffer.from('{ "a" : 1.0 }\n');
    expect(await (await post(bytes, json, '/things/raw')).json()).toEqual({ bytes: bytes.toString('hex') });
    const bodyless = await fetch(`${service.url}/things/raw`, { method: 'POST' });
    expect(await problemOf(bodyless)).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});

describe('fields', () => {
  it('with wrong values are 422 with a pointer each', async () => {
    const answer = await post('{"reference":7,"amount":{"amount":12,"currency":"eur"}}');
    const { status, code, errors } = await problemOf(answer);
    expect({ status, code }).toEqual({ status: 422, code: 'validation_failed' });
    const pointers = (errors as { pointer: string }[]).map(({ pointer }) => pointer);
    expect(new Set(pointers)).toEqual(new Set(['/reference', '/amount/amount', '/amount/currency']));
  });

  it('that do not exist are 400, also nested ones, with escaped pointers', async () => {
    const answer = await post('{"reference":"a","a/b~c":1,"amount":{"amount":"1","currency":"EUR","x":1}}');
    const { status, code, errors } = await problemOf(answer);
    expect({ status, code }).toEqual({ status: 400, code: 'malformed_request' });
    expect(errors).toEqual([
      { pointer: '/a~1b~0c', detail: 'unknown field' },
      { pointer: '/amount/x', detail: 'unknown field' },
    ]);
  });

  it.each([
    ['a text for an object', '{"reference":"a","amount":"1"}'],
    ['a list for an object', '{"reference":"a","amount":[1]}'],
    ['a boolean for a text', '{"reference":true}'],
    ['a list for a text', '{"reference":["a"]}'],
    ['nothing', '{}'],
  ])('get no conversion: %s is refused', async (_, body) => {
    expect((await post(body)).status).toBe(422);
  });

  it('that are all wrong are not all listed', async () => {
    const many = Object.fromEntries([...Array(500).keys()].map((n) => [`f${n}`, 1]));
    const { errors } = await problemOf(await post(JSON.stringify(many)));
    expect(errors).toHaveLength(100);
  });
});

describe('the Idempotency-Key', () => {
  const body = '{"reference":"a"}';
  it('is missing', async () => {
    const { 'idempotency-key': _, ...headers } = json;
    expect(await problemOf(await post(body, headers))).toMatchObject({
      status: 400,
      code: 'idempotency_key_missing',
    });
  });

  it('is invalid', async () => {
    const answer = await post(body, { ...json, 'idempotency-key': 'k'.repeat(256) });
    expect(await problemOf(answer)).toMatchObject({ status: 400, code: 'idempotency_key_invalid' });
  });

  it('is there twice', async () => {
    const head = `POST /things HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    const answer = await exchange(service.url, [
      `${head}idempotency-key: a\r\nidempotency-key: a\r\n\r\n${body}`,
    ]);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'idempotency_key_invalid' });
  });
});

describe('an error', () => {
  it.each([
    ['slipstream', 409, 'reference_taken', 'ord-1 is taken.'],
    ['overloaded', 503, 'overloaded', 'Come back.'],
    ['signature', 401, 'signature_invalid', 'Wrong signature.'],
    ['nest', 403, 'forbidden', 'not you'],
    ['teapot', 418, 'malformed_request', 'short and stout'],
    ['limit', 429, 'rate_limited', 'too many'],
  ])('of kind %s becomes %s %s', async (how, status, code, detail) => {
    const answer = await fetch(`${service.url}/things/fail/${how}`);
    expect(await problemOf(answer)).toMatchObject({ status, code, detail });
    expect(answer.headers.has('retry-after')).toBe(status === 503 || status === 429);
    expect(answer.headers.has('www-authenticate')).toBe(status === 401);
  });

  it.each(['unknown', 'text', 'nothing'])(
    'that nobody foresaw (%s) is 500, logged, and says nothing',
    async (how) => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const answer = await fetch(`${service.url}/things/fail/${how}`);
      const problem = await problemOf(answer);
      expect(problem).toMatchObject({ status: 500, code: 'internal' });
      expect(JSON.stringify(problem)).not.toMatch(/hunter2|TypeError/);
      expect(logged).toHaveBeenCalledTimes(1);
      expect(JSON.stringify(logged.mock.calls)).toContain(answer.headers.get('x-request-id'));
      logged.mockRestore();
    },
  );
});

describe('an address', () => {
  it('that leads nowhere is 404', async () => {
    expect(await problemOf(await fetch(`${service.url}/nowhere`))).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });

  it('that has other methods is 405 and names them', async () => {
    const answer = await fetch(`${service.url}/things`, { method: 'DELETE' });
    expect(await problemOf(answer)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe('POST');
    const put = await fetch(`${service.url}/things/7?x=1`, { method: 'PATCH' });
    expect(put.headers.get('allow')).toContain('PUT');
    for (const type of ['application/json', 'text/plain']) {
      const headers = { 'content-type': type };
      const bad = await fetch(`${service.url}/things/7`, { method: 'POST', headers, body: '{no' });
      expect(await problemOf(bad)).toMatchObject({ status: 405, code: 'method_not_allowed' });
      const nowhere = await fetch(`${service.url}/nowhere`, { method: 'POST', headers, body: '{no' });
      expect(await problemOf(nowhere)).toMatchObject({ status: 404, code: 'not_found' });
    }
  });

  it('may have a colon in it', async () => {
    for (const path of ['things:batch', 'things%3Abatch', 'things%3abatch']) {
      const answer = await fetch(`${service.url}/things/${path}`, { method: 'POST' });
      expect(await answer.json()).toEqual({ batch: true });
    }
  });

  it.each(['/%74hings/7', '/t%68i%6E%67%73/7?x=%41', '/things/%37'])(
    'is the same where it is encoded without need: %s',
    async (path) => {
      const answer = await fetch(`${service.url}${path}`, { method: 'PATCH' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'PUT']);
    },
  );

  it.each([
    ['PATCH http://elsewhere/things/7', 405],
    ['PATCH HTTP://u@elsewhere:80/things/7?x=1', 405],
    ['GET http://elsewhere/livez', 200],
    ['GET http://elsewhere', 404],
    ['GET http://elsewhere?x=1', 404],
    ['GET ftp://elsewhere/livez', 404],
    ['OPTIONS *', 404],
  ])('is its path, where the whole address is sent: %s is %s', async (line, status) => {
    const answer = await exchange(service.url, [`${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`]);
    expect(answer.status).toBe(status);
  });

  it.each(['/%2574hings/7', '/things%2F7', '/%2e/things/7'])('is another one at %s', async (path) => {
    const request = `PUT ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    expect((await exchange(service.url, [request])).status).toBe(404);
  });

  it.each(['/things/%ZZ', '/%E0%A4%A', '/things/%', '/things/7?x=100%', '/things/7?x=%F0%28%8C'])(
    'that is badly encoded (%s) is 400',
    async (path) => {
      const answer = await exchange(service.url, [
        `PUT ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      ]);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'malformed_request', status: 400 });
      expect(answer.head).toMatch(/content-type: application\/problem\+json/i);
    },
  );

  it('with a parameter that is too long is 414', async () => {
    const answer = await fetch(`${service.url}/things/${'x'.repeat(513)}`, { method: 'PUT' });
    expect(answer.status).toBe(414);
    expect(((await answer.json()) as Answer).code).toBe('malformed_request');
  });

  it('HEAD has no body', async () => {
    const answer = await fetch(`${service.url}/livez`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('a request that is no good HTTP', () => {
  const body = '{"reference":"a"}';
  const type = 'content-type: application/json\r\n';
  it.each<[string, string, readonly number[]]>([
    ['garbage', '\u0016\u0003\u0001 hello\r\n\r\n', [400]],
    ['an unknown method', 'BREW /things HTTP/1.1\r\nhost: x\r\n\r\n', [400]],
    ['TRACE', 'TRACE /things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', [405]],
    ['CONNECT to an address of ours', 'CONNECT /things HTTP/1.1\r\nhost: x\r\n\r\n', [405]],
    ['CONNECT to elsewhere', 'CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n', [405]],
    ['TRACE elsewhere', 'TRACE /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', [404]],
    ['no host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', [400]],
    ['two hosts', 'GET /livez HTTP/1.1\r\nhost: x\r\nHost: y\r\nconnection: close\r\n\r\n', [400]],
    ['the same host twice', 'GET /livez HTTP/1.1\r\nhost: x\r\nhost: x\r\nconnection: close\r\n\r\n', [400]],
    ['two hosts of HTTP/1.0', 'GET /livez HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n', [400]],
    [
      'two hosts for no address',
      'GET /nowhere HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n',
      [400],
    ],
    ['a host with a space', 'GET /livez HTTP/1.1\r\nhost: x y\r\nconnection: close\r\n\r\n', [400]],
    ['a host with a path', 'GET /livez HTTP/1.1\r\nhost: x/y\r\nconnection: close\r\n\r\n', [400]],
    ['a host with a user', 'GET /livez HTTP/1.1\r\nhost: a@x\r\nconnection: close\r\n\r\n', [400]],
    ['a port that is none', 'GET /livez HTTP/1.1\r\nhost: x:y\r\nconnection: close\r\n\r\n', [400]],
    [
      'two tokens',
      'GET /livez HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\nconnection: close\r\n\r\n',
      [400],
    ],
    [
      'two types of one body',
      `POST /things HTTP/1.1\r\nhost: x\r\n${type}content-type: text/plain\r\ncontent-length: 17\r\nconnection: close\r\n\r\n${body}`,
      [400],
    ],
    [
      'chunked and a length',
      `POST /things HTTP/1.1\r\nhost: x\r\n${type}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      [400],
    ],
    [
      'two lengths',
      `POST /things HTTP/1.1\r\nhost: x\r\n${type}content-length: 5\r\ncontent-length: 6\r\n\r\n${body}`,
      [400],
    ],
    ['NUL in a header', 'GET /livez HTTP/1.1\r\nhost: x\r\nx-a: a\u0000b\r\n\r\n', [400]],
    ['headers of 100 kB', `GET /livez HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\n`, [431]],
    ['100,000 headers', `GET /livez HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(100_000)}\r\n`, [431]],
    ['a query of 100 kB', `GET /livez?${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, [431]],
    ['headers that never end', 'GET /livez HTTP/1.1\r\nhost: x\r\n', [408]],
    [
      'a body that never ends',
      `POST /things HTTP/1.1\r\nhost: x\r\n${type}content-length: 100\r\n\r\n{`,
      [408],
    ],
    ['another version', 'GET /livez HTTP/3.7\r\nhost: x\r\n\r\n', [400, 505]],
  ])('%s gets a problem and the service lives', async (_, request, statuses) => {
    const answer = await exchange(service.url, [Buffer.from(request, 'latin1')]);
    expect(statuses).toContain(answer.status);
    expect(answer.head).toMatch(/content-type: application\/problem\+json/i);
    expect(JSON.parse(answer.body)).toMatchObject({ status: answer.status, code: expect.any(String) });
    await expectAlive();
  });

  it.each(['x', 'x:80', '127.0.0.1:3000', '[::1]:80', 'a.b-c_d.e', '', ':80'])(
    'is one at the host %j',
    async (host) => {
      const request = `GET /livez HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
      expect((await exchange(service.url, [request])).status).toBe(200);
    },
  );

  it('is cut off when its bytes drip', async () => {
    const head = `POST /things HTTP/1.1\r\nhost: x\r\n${type}content-length: 60000\r\n\r\n`;
    const answer = await exchange(service.url, [head], { dripMs: 20 });
    expect(answer.status).toBe(408);
  });

  it('is answered in order when pipelined', async () => {
    const one = 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n';
    const last = 'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const answer = await exchange(service.url, [one + one + last]);
    const all = `${answer.head}\r\n\r\n${answer.body}`;
    expect([...all.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual([
      '200',
      '200',
      '404',
    ]);
  });

  it.each([1, 20, 60, 110, 130])('may be aborted after %s bytes', async (cut) => {
    const text = `POST /things HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\n${type}content-length: ${body.length}\r\n\r\n${body}`;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      socket.on('close', () => resolve());
      socket.write(text.slice(0, cut), () => socket.resetAndDestroy());
    });
    await expectAlive();
  });
});

describe('answers', () => {
  it('carry a request id and are not stored or sniffed', async () => {
    const { headers } = await fetch(`${service.url}/livez`);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});
