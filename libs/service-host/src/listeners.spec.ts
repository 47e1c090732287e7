import 'reflect-metadata';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { Public } from './auth.ts';
import { createService, type Service, type ServiceOptions } from './service.ts';
import { settings } from './spec-support.ts';

@Controller('things')
class ThingsController {
  @Get()
  @Public()
  read() {
    return {};
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

const services: Service[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const service of services.splice(0)) await service.stop();
});

async function start(more: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = await createService({ name: 'things', module: ThingsModule, settings, ...more });
  services.push(service);
  return service;
}

const portOf = ({ url }: Service) => Number(new URL(url).port);

function connect(service: Service): Socket {
  const socket = createConnection(portOf(service), '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

test('connections that come at once are taken in far fewer turns of the event loop than there are', async () => {
  const service = await start();
  let taken = 0;
  service.app.getHttpServer().on('connection', () => {
    taken += 1;
  });
  const all = 200;
  for (let n = 0; n < all; n++) connect(service);
  let turns = 0;
  for (; taken < all; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(turns).toBeLessThan(all / 2);
});

test('each of them is answered, and none is left when the service has stopped', async () => {
  const service = await start();
  const ended = Array.from({ length: 40 }, () => {
    const socket = connect(service);
    socket.write('GET /things HTTP/1.1\r\nhost: x\r\n\r\n');
    return new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text.slice(0, 12)));
    });
  });
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
  expect(await service.stop()).toBe(true);
  expect(new Set(await Promise.all(ended))).toEqual(new Set(['HTTP/1.1 200']));
  await expect(fetch(`${service.url}/things`)).rejects.toThrow();
});

test('no more are kept than may be, whichever way they came', async () => {
  const service = await start({ limits: { connectionsMax: 5 } });
  let gone = 0;
  const beyond = new Promise<void>((resolve) => {
    for (let n = 0; n < 12; n++) {
      connect(service).on('close', () => {
        gone += 1;
        if (gone === 7) resolve();
      });
    }
  });
  await beyond;
  // The others are still answered.
  const [kept] = sockets.filter(({ destroyed }) => !destroyed);
  kept!.write('GET /things HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(String(await new Promise((resolve) => kept!.once('data', resolve)))).toMatch(/^HTTP\/1.1 200/);
  expect(gone).toBe(7);
});

test('a port that somebody has is refused, also where it is one of ours', async () => {
  const service = await start();
  const taken = { ...settings, port: portOf(service) };
  await expect(start({ settings: taken })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const other: Server = await new Promise((resolve) => {
    const listening = createServer().listen(0, '127.0.0.1', () => resolve(listening));
  });
  const { port } = other.address() as { port: number };
  await expect(start({ settings: { ...settings, port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  other.close();
});
