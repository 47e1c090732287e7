import 'reflect-metadata';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Query, Req, Res } from '@nestjs/common';
import { Public } from './auth.ts';
import { EventStreams, type StreamLimits, streamLimits, streamType } from './event-stream.ts';
import { type ListReply, type ListRequest, Offers } from './lists.ts';
import { createService, type Service } from './service.ts';
import { settings } from './spec-support.ts';

/** Numbers that come one after the other; what a reader skips moves its place all the same. */
class Numbers {
  last = 0;
  padding = '';
  reads = 0;
  fails = false;
  #waiting: (() => void)[] = [];

  add(count: number): void {
    this.last += count;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  source(step: number) {
    return {
      isKey: (key: readonly string[]) => key.length === 1 && /^\d+$/.test(key[0]!),
      start: async () => [String(this.last)],
      read: async ([from]: readonly string[]) => {
        this.reads += 1;
        if (this.fails) throw new Error('the database went away');
        const until = Math.min(this.last, Number(from) + 10);
        const all = Array.from({ length: until - Number(from) }, (_, n) => Number(from) + n + 1);
        const events = all
          .filter((n) => n % step === 0)
          .map((n) => ({ type: 'number', data: { n, padding: this.padding }, key: [String(n)] }));
        return { events, key: [String(until)] };
      },
      moved: (_: readonly string[], timeoutMs: number, signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          const wake = () => {
            clearTimeout(timer);
            resolve();
          };
          const timer = setTimeout(wake, timeoutMs);
          this.#waiting.push(wake);
          signal.addEventListener('abort', wake);
        }),
    };
  }
}

let numbers: Numbers;
const running: Service[] = [];

async function start(limits: Partial<StreamLimits> = {}): Promise<Service> {
  const streams = new EventStreams({ ...streamLimits, ...limits }, () => {});
  @Public()
  @Controller('v1/stream')
  class StreamController {
    @Get()
    @Offers(streamType)
    stream(
      @Query() query: Record<string, string>,
      @Req() request: ListRequest,
      @Res({ passthrough: true }) reply: ListReply,
    ) {
      return streams.answer(request, reply, numbers.source(Number(query.step ?? 1)));
    }
  }
  @Module({ controllers: [StreamController] })
  class StreamModule {}
  const cursorKey = Buffer.alloc(32, 3);
  const service = await createService({ name: 'numbers', module: StreamModule, settings, cursorKey });
  running.push(service);
  return service;
}

beforeEach(() => {
  numbers = new Numbers();
});
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

/** A caller that reads when it is told to. */
class Reader {
  #text = '';
  #rest = '';
  ended = false;
  lastId = '';
  /** Whole events; without those that only move the place. */
  readonly events: { id: string; event: string; data: string }[] = [];
  readonly numbers: number[] = [];
  readonly answer: IncomingMessage;

  private constructor(answer: IncomingMessage) {
    this.answer = answer;
  }

  static open({ url }: Service, headers: Record<string, string> = {}, query = ''): Promise<Reader> {
    return new Promise((resolve, reject) => {
      httpRequest(`${url}/v1/stream${query}`, { headers, agent: false }, (answer) =>
        resolve(new Reader(answer)),
      )
        .on('error', reject)
        .end();
    });
  }

  /** Reads until `isEnough`, or to the end. */
  read(isEnough: (reader: Reader) => boolean): Promise<this> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.ended && !isEnough(this)) return;
        this.answer.pause();
        this.answer.off('data', onData);
        resolve(this);
      };
      const onData = (chunk: Buffer) => {
        this.#take(chunk.toString());
        look();
      };
      this.answer.on('data', onData);
      this.answer.once('close', () => {
        this.ended = true;
        look();
      });
      look();
      this.answer.resume();
    });
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const frames = (this.#rest + chunk).split('\n\n');
    this.#rest = frames.pop()!;
    for (const frame of frames) {
      const fields = Object.fromEntries(frame.split('\n').map((line) => line.split(/: (.*)/, 2)));
      this.lastId = fields.id ?? this.lastId;
      if (fields.data === undefined) continue;
      this.events.push(fields);
      if (fields.event === 'number') this.numbers.push(JSON.parse(fields.data).n);
    }
  }

  get text(): string {
    return this.#text;
  }

  close(): void {
    this.answer.destroy();
  }
}

const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;
const has = (count: number) => (reader: Reader) => reader.numbers.length >= count;
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe('a stream', () => {
  it('begins now, and has what comes, each with its place', async () => {
    numbers.add(5);
    const reader = await Reader.open(await start());
    expect(reader.answer.headers['content-type']).toBe('text/event-stream');
    await reader.read((one) => one.text.includes('id: '));
    numbers.add(25);
    await reader.read(has(25));
    expect(reader.numbers).toEqual(from(6, 30));
    expect(new Set(reader.events.map(({ id }) => id)).size).toBe(25);
  });

  it('goes on behind any of its places, at another instance, without a gap or a repeat', async () => {
    const [one, other] = [await start(), await start()];
    let reader = await Reader.open(one);
    await reader.read((first) => first.text.includes('id: '));
    const seen: number[] = [];
    for (let n = 0; n < 6; n++) {
      numbers.add(17);
      await reader.read(has(7));
      const some = reader.events.slice(0, 7);
      seen.push(...some.map(({ data }) => JSON.parse(data).n));
      reader.close();
      reader = await Reader.open(n % 2 === 0 ? other : one, { 'last-event-id': some.at(-1)!.id });
    }
    await reader.read(has(6 * 17 - 42));
    expect([...seen, ...reader.numbers]).toEqual(from(1, 102));
  });

  it('tells its place also where nothing fits, so that going on skips what was looked at', async () => {
    const service = await start({ heartbeatMs: 20 });
    const reader = await Reader.open(service, {}, '?step=1000');
    await reader.read((one) => one.text.includes(': here'));
    const before = reader.lastId;
    numbers.add(500);
    await reader.read((one) => one.lastId !== before);
    const { lastId } = await reader.read((one) => one.text.endsWith(`id: ${one.lastId}\n\n`));
    reader.close();
    numbers.reads = 0;
    const again = await Reader.open(service, { 'last-event-id': lastId }, '?step=1000');
    await again.read((one) => one.text.includes(': here'));
    expect(numbers.reads).toBeLessThan(50);
  });

  it.each([
    ['made up', () => 'nonsense', ''],
    ['of another filter', (id: string) => id, '?step=2'],
  ])('refuses a place that is %s', async (_, made, query) => {
    const service = await start();
    const reader = await Reader.open(service);
    const { lastId } = await reader.read((one) => one.text.includes('id: '));
    const answer = await fetch(`${service.url}/v1/stream${query}`, {
      headers: { 'last-event-id': made(lastId) },
    });
    expect([answer.status, await codeOf(answer)]).toEqual([400, 'cursor_invalid']);
  });

  it('that nobody reads takes bounded room, says why it ends, and goes on from its last place', async () => {
    const service = await start({ unreadBytesMax: 20_000, unreadMsMax: 100 });
    const reader = await Reader.open(service);
    await reader.read((one) => one.text.includes('id: '));
    numbers.padding = 'x'.repeat(10_000);
    numbers.add(2_000);
    // Sockets take some megabytes, and then it waits.
    await new Promise<void>((resolve) => {
      let before = -1;
      const look = setInterval(() => {
        if (numbers.reads === before) {
          clearInterval(look);
          resolve();
        }
        before = numbers.reads;
      }, 250);
    });
    expect(numbers.reads).toBeLessThan(200);
    await reader.read(() => false);
    expect(reader.events.at(-1)).toMatchObject({ event: 'too_slow' });
    const seen = [...reader.numbers];
    expect(seen.length).toBeLessThan(2_000);
    const again = await Reader.open(await start(), { 'last-event-id': reader.lastId });
    await again.read(has(2_000 - seen.length));
    expect([...seen, ...again.numbers]).toEqual(from(1, 2_000));
  }, 60_000);

  it('ends when the service stops, which does not wait for it', async () => {
    const service = await start();
    const reader = await Reader.open(service);
    await reader.read((one) => one.text.includes('id: '));
    const [clean] = await Promise.all([service.stop(), reader.read(() => false)]);
    expect([clean, reader.text.endsWith(': the service is stopping\n\n')]).toEqual([true, true]);
  });

  it('is cut off, not ended, when it can be read no more', async () => {
    const reader = await Reader.open(await start());
    await reader.read((one) => one.text.includes('id: '));
    numbers.fails = true;
    numbers.add(1);
    await reader.read(() => false);
    expect(reader.answer.complete).toBe(false);
  });

  it('more than the process may keep open is refused, and one that has closed makes room', async () => {
    const service = await start({ streamsMax: 2 });
    const [first, second] = [await Reader.open(service), await Reader.open(service)];
    const third = await fetch(`${service.url}/v1/stream`);
    expect([third.status, await codeOf(third)]).toEqual([503, 'overloaded']);
    first.close();
    for (let status = 503; status !== 200; ) {
      const reader = await Reader.open(service);
      status = reader.answer.statusCode!;
      reader.close();
    }
    second.close();
  });
});
