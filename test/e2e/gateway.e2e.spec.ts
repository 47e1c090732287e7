import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type GatewayPart, GatewayWorld, playGateway } from '../drills/gateway.drill.ts';
import { bootStack, type TestStack } from './support.ts';

let folder: string;
let world: GatewayWorld;
let booted: TestStack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipstream-gateway-'));
  world = new GatewayWorld(folder);
  booted = await bootStack(world.options);
}, 240_000);
afterAll(async () => {
  await booted?.stop();
  await world?.proxy?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test('a clock that is off, no database, a disabled provider, a frozen instance: nothing twice, nothing lost', async () => {
  const say = (line: string) => console.error(line);
  const parts = await playGateway(
    booted.stack,
    world,
    { slips: 8, awayMs: 8_000, databaseClock: false },
    say,
  );
  const wanted = { second: 0, differing: 0, open: 0, forbidden: 0, given_up: 0, holds: true };
  const all: readonly GatewayPart['part'][] = ['clock', 'no database', 'disabled', 'frozen'];
  expect(parts).toMatchObject(all.map((part) => ({ part, ...wanted })));
}, 560_000);
