import 'reflect-metadata';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Query, Req, Res } from '@nestjs/common';
import type { PageRequest } from '@slipstream/kernel';
import { Public } from './auth.ts';
import { ApiList, answerList, type ListReply, type ListRequest, listParameters } from './lists.ts';
import { rejectUnknownQuery } from './pagination.ts';
import { object, text, whole } from './schemas.ts';
import { createService, type Service } from './service.ts';
import { settings } from './spec-support.ts';

const item = object({ n: whole, name: text });
const asked: PageRequest[] = [];
let last = 100;
let failsFrom = Number.POSITIVE_INFINITY;
let padding = '';

/** Numbers from 1 to `last`, those that are not wanted left out. */
async function numbers(without: string | undefined, page: PageRequest) {
  asked.push(page);
  const { limit, from } = page;
  const all = Array.from({ length: last }, (_, n) => n + 1).filter((n) => String(n) !== without);
  const key = Number(from?.key[0] ?? 0);
  if (key >= failsFrom) throw new Error('the database went away');
  const back = from?.side === 'before';
  const found = back ? all.filter((n) => n < key).toReversed() : all.filter((n) => n > key);
  const items = found.slice(0, limit);
  if (back) items.reverse();
  const more = found.length > limit;
  const keyOf = (n: number | undefined) => (n === undefined ? null : [String(n)]);
  return {
    items,
    next: more || back ? keyOf(items.at(-1)) : null,
    previous: (back ? more : from !== null) ? keyOf(items[0]) : null,
  };
}

function answer(query: Record<string, string>, request: ListRequest, reply: ListReply) {
  rejectUnknownQuery(query, ['without', ...listParameters]);
  return answerList(request, reply, {
    isKey: (key) => key.length === 1,
    read: (page) => numbers(query.without, page),
    show: (n: number) => ({ n, name: `number, ${n}${padding}` }),
    item,
  });
}

@Public()
@Controller('v1')
class NumbersController {
  @Get('numbers')
  @ApiList(item, 'Numbers')
  numbers(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    return answer(query, request, reply);
  }

  @Get('others')
  @ApiList(item, 'The same under another address')
  others(
    @Query() query: Record<string, string>,
    @Req() request: ListRequest,
    @Res({ passthrough: true }) reply: ListReply,
  ) {
    return answer(query, request, reply);
  }

  @Get('one')
  one(@Res({ passthrough: true }) reply: ListReply) {
    reply.header('etag', '"7"');
    return { one: 1 };
  }
}

@Module({ controllers: [NumbersController] })
class NumbersModule {}

let service: Service;
const cursorKey = Buffer.alloc(32, 7);
beforeAll(async () => {
  service = await createService({ name: 'numbers', module: NumbersModule, settings, cursorKey });
});
afterAll(() => service?.stop());
beforeEach(() => {
  last = 100;
  failsFrom = Number.POSITIVE_INFINITY;
  padding = '';
  asked.length = 0;
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(service.url + path, { headers });
// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it
const json = (answer: Response) => answer.json() as Promise<any>;
const page = async (path: string) => {
  const answer = await get(path);
  return { status: answer.status, link: answer.headers.get('link'), body: await json(answer) };
};
const shown = (body: { data: { n: number }[] }) => body.data.map(({ n }) => n);

describe('a page', () => {
  it('leads on and back, in the body and in Link', async () => {
    const first = await page('/v1/numbers?page_size=40&without=2');
    expect(shown(first.body)).toHaveLength(40);
    expect(first.body.previous).toBeNull();
    expect(first.link).toBe(`</v1/numbers?page_size=40&without=2&cursor=${first.body.next}>; rel="next"`);
    const second = await page(`/v1/numbers?page_size=40&without=2&cursor=${first.body.next}`);
    expect(shown(second.body)[0]).toBe(42);
    const back = await page(`/v1/numbers?without=2&page_size=40&cursor=${second.body.previous}`);
    expect(shown(back.body)).toEqual(shown(first.body));
  });

  it('is 50 items long unless the caller says otherwise, and 1000 at most', async () => {
    expect(shown((await page('/v1/numbers')).body)).toHaveLength(50);
    expect((await page('/v1/numbers?page_size=1001')).status).toBe(400);
    expect((await page('/v1/numbers?page_size=0')).body.code).toBe('malformed_request');
  });
});

describe('a cursor', () => {
  const cursorOf = async (path: string): Promise<string> => (await page(path)).body.next;
  const refused = async (path: string) => {
    const { status, body } = await page(path);
    return [status, body.code];
  };

  it('of another instance with the same key is taken; with another key it is not', async () => {
    const cursor = await cursorOf('/v1/numbers?page_size=2');
    const options = { name: 'numbers', module: NumbersModule, settings };
    const same = await createService({ ...options, cursorKey });
    const stranger = await createService(options);
    const statuses = await Promise.all(
      [same, stranger].map(async ({ url }) => (await fetch(`${url}/v1/numbers?cursor=${cursor}`)).status),
    );
    await Promise.all([same.stop(), stranger.stop()]);
    expect(statuses).toEqual([200, 400]);
  });

  it('of another list, or of another filter, is refused', async () => {
    const cursor = await cursorOf('/v1/numbers?page_size=2&without=9');
    expect((await page(`/v1/numbers?cursor=${cursor}&page_size=7&without=9`)).status).toBe(200);
    for (const path of ['/v1/others?without=9', '/v1/numbers?without=8', '/v1/numbers?page_size=2']) {
      expect(await refused(`${path}&cursor=${cursor}`)).toEqual([400, 'cursor_invalid']);
    }
  });

  it('that anybody altered or made up is refused, whatever it is', async () => {
    const cursor = await cursorOf('/v1/numbers?page_size=2');
    const bytes = Buffer.from(cursor, 'base64url');
    const altered = [...bytes.keys()].map((at) => {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1;
      return copy.toString('base64url');
    });
    const madeUp = ['', 'x', 'nonsense', `${cursor}=`, `${cursor}A`, 'A'.repeat(3_000)];
    const plain = Buffer.from('["after","50"]').toString('base64url');
    for (const one of [...altered, ...madeUp, plain, cursor.slice(0, 20)]) {
      expect([one, ...(await refused(`/v1/numbers?cursor=${one}`))]).toEqual([one, 400, 'cursor_invalid']);
    }
    expect(asked).toHaveLength(1);
  });
});

describe('a whole list', () => {
  it('comes as CSV, with a header and lines that end as RFC 4180 says', async () => {
    last = 2_500;
    const answer = await get('/v1/numbers', { accept: 'text/csv' });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await answer.text()).split('\r\n');
    expect(lines.slice(0, 3)).toEqual(['n,name', '1,"number, 1"', '2,"number, 2"']);
    expect(lines).toHaveLength(2_502);
    expect(asked.map(({ limit }) => limit)).toEqual([1_000, 1_000, 1_000]);
  });

  it('comes as NDJSON, a line an item, from a cursor on too', async () => {
    const { body } = await page('/v1/numbers?page_size=90');
    const answer = await get(`/v1/numbers?cursor=${body.next}`, { accept: 'application/x-ndjson' });
    const lines = (await answer.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).n)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
  });

  it('is one page where a size is asked for, and Link leads on', async () => {
    const answer = await get('/v1/numbers?page_size=3', { accept: 'text/csv' });
    expect((await answer.text()).trimEnd().split('\r\n')).toHaveLength(4);
    expect(answer.headers.get('link')).toMatch(/rel="next"$/);
    const whole = await get('/v1/numbers', { accept: 'text/csv' });
    expect(whole.headers.get('link')).toBeNull();
    await whole.text();
  });

  it('is empty but for its header where nothing is found', async () => {
    last = 0;
    expect(await (await get('/v1/numbers', { accept: 'text/csv' })).text()).toBe('n,name\r\n');
    expect(await (await get('/v1/numbers', { accept: 'application/x-ndjson' })).text()).toBe('');
  });

  it('that fails in the middle does not look as if it were whole', async () => {
    last = 3_000;
    failsFrom = 2_000;
    const answer = await get('/v1/numbers', { accept: 'application/x-ndjson' });
    await expect(answer.text()).rejects.toThrow();
  });

  it('is read from the database only as fast as the caller reads, and no more than a few at once', async () => {
    last = 200_000;
    padding = 'x'.repeat(1_000);
    const open = () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { accept: 'text/csv' };
        httpRequest(`${service.url}/v1/numbers`, { headers, agent: false }, resolve)
          .on('error', reject)
          .end();
      });
    const slow = await Promise.all(Array.from({ length: 8 }, open));
    const ninth = await get('/v1/numbers', { accept: 'text/csv' });
    expect([ninth.status, (await json(ninth)).code, ninth.headers.get('retry-after')]).toEqual([
      503,
      'overloaded',
      '5',
    ]);
    // A page as JSON is not refused.
    expect((await page('/v1/numbers')).status).toBe(200);
    const before = asked.length;
    // What nobody reads fills the sockets, a few megabytes each, and then waits: 200 pages each would be the whole list.
    expect(before).toBeLessThan(8 * 100);
    for (const answer of slow) answer.destroy();
    // Callers that hung up are forgotten soon.
    for (let status = 503; status !== 200; ) {
      const answer = await get('/v1/numbers?page_size=1', { accept: 'text/csv' });
      await answer.text();
      ({ status } = answer);
    }
  });
});

describe('an answer', () => {
  it.each(['text/html', 'application/xml', 'text/csv;q=0'])(
    'in a form that there is none in (%s) is 406',
    async (accept) => {
      const answer = await get('/v1/numbers', { accept });
      expect([answer.status, (await json(answer)).code]).toEqual([406, 'not_acceptable']);
      expect((await get('/v1/one', { accept: 'text/csv' })).status).toBe(406);
      expect(asked).toEqual([]);
    },
  );

  it.each(['*/*', 'text/html, */*;q=0.1', 'application/*'])('for %s is JSON', async (accept) => {
    const answer = await get('/v1/numbers', { accept });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    await answer.json();
  });

  it('that the caller has already is 304, of lists and of single things', async () => {
    for (const path of ['/v1/numbers', '/v1/one']) {
      const first = await get(path);
      await first.text();
      const etag = first.headers.get('etag')!;
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      for (const known of [etag, `"x", ${etag}`, '*', `W/${etag.replace('W/', '')}`]) {
        const again = await get(path, { 'if-none-match': known });
        expect([path, known, again.status, await again.text(), again.headers.get('etag')]).toEqual([
          path,
          known,
          304,
          '',
          etag,
        ]);
      }
      const other = await get(path, { 'if-none-match': '"other"' });
      expect([other.status, (await other.text()).length > 0]).toEqual([200, true]);
    }
    expect((await get('/v1/one')).headers.get('etag')).toBe('"7"');
  });

  it('is not 304 when it has changed', async () => {
    const etag = (await get('/v1/numbers')).headers.get('etag')!;
    last = 3;
    expect((await get('/v1/numbers', { 'if-none-match': etag })).status).toBe(200);
  });

  const raw = (path: string, headers: Record<string, string>, method = 'GET') =>
    new Promise<{ headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
      httpRequest(service.url + path, { headers, method }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
        answer.on('error', reject);
      })
        .on('error', reject)
        .end();
    });

  it.each(['application/json', 'text/csv'])(
    'as %s is packed for who takes gzip, and for nobody else',
    async (accept) => {
      const plain = await raw('/v1/numbers', { accept });
      expect(plain.headers['content-encoding']).toBeUndefined();
      const packed = await raw('/v1/numbers', { accept, 'accept-encoding': 'gzip' });
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
      expect(packed.body.length).toBeLessThan(plain.body.length);
      const refused = await raw('/v1/numbers', { accept, 'accept-encoding': 'gzip;q=0, br' });
      expect(refused.body.equals(plain.body)).toBe(true);
      expect(
        (await raw('/v1/one', { 'accept-encoding': 'gzip' })).headers['content-encoding'],
      ).toBeUndefined();
    },
  );

  it('to HEAD has no body, whatever the form', async () => {
    for (const accept of ['application/json', 'text/csv']) {
      const { headers, body } = await raw('/v1/numbers', { accept }, 'HEAD');
      expect([headers['content-type']?.split(';')[0], body.length]).toEqual([accept, 0]);
    }
  });
});
