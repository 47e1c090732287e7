import 'reflect-metadata';
import { Agent, get } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module, Param, Post } from '@nestjs/common';
import type { Part } from '@slipstream/runtime';
import { Public, Scopes } from './auth.ts';
import { HealthRegistry } from './health.ts';
import { createService, type Service, type ServiceOptions } from './service.ts';
import { settings, signToken } from './spec-support.ts';

/** A request that waits until the test opens the gate. */
class Gate {
  private readonly opened = Promise.withResolvers<void>();
  readonly entered = Promise.withResolvers<void>();
  open = () => this.opened.resolve();
  async pass() {
    this.entered.resolve();
    await this.opened.promise;
  }
}

@Public()
@Controller('things')
class ThingsController {
  constructor(@Inject(Gate) private readonly gate: Gate) {}

  @Get('slow')
  async slow() {
    await this.gate.pass();
    return { done: true };
  }

  @Get(':id')
  one(@Param('id') id: string) {
    return { id };
  }

  @Scopes('slips:write')
  @Post()
  create() {
    return {};
  }
}

@Module({ controllers: [ThingsController], providers: [Gate] })
class ThingsModule {}

const options = { name: 'things', module: ThingsModule, settings };

const running: Service[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
});

async function start(over: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = await createService({ ...options, ...over });
  running.push(service);
  return service;
}

function recordedPart(calls: string[], name: string, over: Partial<Part> = {}): Part {
  const step = (what: string) => async () => {
    calls.push(`${what} ${name}`);
  };
  return { name, start: step('start'), drain: step('drain'), stop: step('stop'), ...over };
}

/** One GET on a kept-alive connection. */
function fetchKept(agent: Agent, url: string): Promise<{ status: number; connection: string; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, async (answer) => {
      let body = '';
      for await (const chunk of answer) body += chunk;
      resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection ?? '', body });
    }).on('error', reject);
  });
}

describe('a service', () => {
  it('starts its parts before it listens, and is ready when they say so', async () => {
    const calls: string[] = [];
    let ok = false;
    const service = await start({
      parts: ({ health }) => {
        health.register('kafka', () => ({ ok, detail: 'no broker answers' }));
        health.register('broken', () => {
          if (!ok) throw new Error('cannot tell');
          return { ok };
        });
        return [recordedPart(calls, 'consumer')];
      },
      beforeListen: async ({ app }) => {
        calls.push(`before listen, listening: ${app.getHttpServer().listening}`);
      },
    });
    expect(calls).toEqual(['start consumer', 'before listen, listening: false']);
    const before = await fetch(`${service.url}/readyz`);
    expect(before.status).toBe(503);
    expect(await before.json()).toEqual({
      ready: false,
      draining: false,
      checks: [
        { name: 'kafka', ok: false, detail: 'no broker answers' },
        { name: 'broken', ok: false, detail: 'cannot tell' },
      ],
    });
    ok = true;
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    expect(await service.stop()).toBe(true);
    expect(calls.slice(2)).toEqual(['drain consumer', 'stop consumer']);
  });

  it('finishes the requests in hand before it drains its parts, and takes no new ones', async () => {
    const calls: string[] = [];
    const service = await start({ parts: [recordedPart(calls, 'pool')] });
    const gate = service.app.get(Gate);
    const agent = new Agent({ keepAlive: true });
    const slow = fetchKept(agent, `${service.url}/things/slow`);
    await gate.entered.promise;
    const stopping = service.stop();
    expect(service.app.get(HealthRegistry).readiness()).toMatchObject({ ready: false, draining: true });
    await expect(refused(service.url)).resolves.toBe(true);
    expect(calls).toEqual(['start pool']);
    gate.open();
    expect(await slow).toEqual({ status: 200, connection: 'close', body: '{"done":true}' });
    expect(await stopping).toBe(true);
    expect(calls).toEqual(['start pool', 'drain pool', 'stop pool']);
    agent.destroy();
  });

  it('does not wait for idle connections', async () => {
    const service = await start();
    const agent = new Agent({ keepAlive: true });
    await fetchKept(agent, `${service.url}/things/1`);
    expect(await service.stop()).toBe(true);
    agent.destroy();
  });

  it('cuts off a request that does not finish in time, and says so', async () => {
    const service = await start({ settings: { ...settings, drainTimeoutMs: 200 } });
    const slow = fetch(`${service.url}/things/slow`);
    await service.app.get(Gate).entered.promise;
    const failed = expect(slow).rejects.toThrow();
    expect(await service.stop()).toBe(false);
    await failed;
  });

  it('stops once, however often it is asked', async () => {
    const calls: string[] = [];
    const service = await start({ parts: [recordedPart(calls, 'pool')] });
    expect(await Promise.all([service.stop(), service.stop()])).toEqual([true, true]);
    expect(calls).toEqual(['start pool', 'drain pool', 'stop pool']);
  });

  it('stops the parts that run when it cannot start', async () => {
    const calls: string[] = [];
    const failing = async () => {
      throw new Error('no such database');
    };
    const parts = [recordedPart(calls, 'pool'), recordedPart(calls, 'relay', { start: failing })];
    await expect(createService({ ...options, parts })).rejects.toThrow(
      'relay did not start: no such database',
    );
    expect(calls).toEqual(['start pool', 'drain pool', 'stop pool']);
  });

  it('gives everything back when its port is taken', async () => {
    const first = await start();
    const calls: string[] = [];
    const port = Number(new URL(first.url).port);
    const second = createService({
      ...options,
      settings: { ...settings, port },
      parts: [recordedPart(calls, 'pool')],
    });
    await expect(second).rejects.toThrow('EADDRINUSE');
    expect(calls).toContain('stop pool');
  });
});

describe('the built-in routes', () => {
  it('show metrics by route, never by path', async () => {
    const service = await start();
    await fetch(`${service.url}/things/secret-id`);
    await fetch(`${service.url}/nowhere/secret-id`);
    const answer = await fetch(`${service.url}/metrics`);
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(text).toMatch(/http_request_duration_seconds_count\{.*route="\/things\/:id",status="200".*\} 1/);
    expect(text).toMatch(/route="unmatched",status="404"/);
    expect(text).toMatch(/process_resident_memory_bytes\{service="things"\}/);
    expect(text).not.toContain('secret-id');
  });

  it('describe the API in OpenAPI 3.1, with problems and what each operation needs', async () => {
    const service = await start();
    const api = await (await fetch(`${service.url}/openapi.json`)).json();
    expect(api).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Slipstream things' },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
        schemas: { Problem: { properties: { code: { enum: expect.arrayContaining(['not_found']) } } } },
      },
    });
    const { paths } = api as { paths: Record<string, Record<string, Record<string, unknown>>> };
    expect(Object.keys(paths).sort()).toEqual([
      ...['/livez', '/metrics', '/readyz', '/things', '/things/slow', '/things/{id}'],
    ]);
    expect(paths['/readyz']?.get?.operationId).toBe('getReadiness');
    expect(paths['/things/{id}']?.get?.security).toEqual([]);
    expect(paths['/things']?.post).toMatchObject({ security: [{ bearer: [] }], 'x-scopes': ['slips:write'] });
    expect(paths['/things']?.post?.responses).toMatchObject({
      default: {
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    });
    expect(JSON.stringify(api)).not.toContain('x-access');
  });

  it('on a public controller, a route with scopes still needs its token', async () => {
    const service = await start();
    const create = (authorization: string) =>
      fetch(`${service.url}/things`, { method: 'POST', headers: { authorization } });
    expect((await create('')).status).toBe(401);
    expect((await create(`Bearer ${await signToken({ scope: 'slips:write' })}`)).status).toBe(201);
  });
});

/** True once a new connection is refused. */
async function refused(url: string): Promise<boolean> {
  return fetch(`${url}/livez`).then(
    () => refused(url),
    () => true,
  );
}
