import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type KafkaProxy, startKafkaProxy } from '@slipstream/testing';
import { readNumbers } from '../drills/numbers.ts';
import { Payments } from '../drills/payments.ts';
import { bootStack, type TestStack } from './support.ts';

const services = ['intake', 'provider-gateway', 'ledger', 'reconciliation'];
/** Longer than a lease of the relay (3 s), and than a provider's connect timeout. */
const produceDelayMs = 4_000;
let booted: TestStack;
let proxy: KafkaProxy | undefined;

beforeAll(async () => {
  booted = await bootStack({
    instances: Object.fromEntries(services.map((service) => [service, 2])),
    // A slip takes a dozen produce calls one after the other.
    policies: { outcome_deadline_ms: 240_000 },
    wayToKafka: async ([broker]) => {
      proxy ??= await startKafkaProxy(broker!);
      return [proxy.address];
    },
  });
}, 240_000);
afterAll(async () => {
  await booted?.stop();
  await proxy?.close();
}, 60_000);

test('two instances of each service and produce calls that take longer than a lease: slow, and nothing else', async () => {
  const { stack } = booted;
  const payments = new Payments(stack.env);
  await payments.submit(10);
  await payments.ended(120_000);
  proxy!.produceDelayMs = produceDelayMs;
  const producesBefore = proxy!.produces;
  await payments.submit(30);
  await payments.ended(240_000);
  expect(proxy!.produces).toBeGreaterThan(producesBefore);
  proxy!.produceDelayMs = 0;
  // An intent that takes too long to its topic is not called, and a slip that never left is given back: never both.
  const { paid, ...wrong } = await payments.executions();
  expect(wrong).toEqual({ second: 0, differing: 0 });
  expect(paid).toBeGreaterThan(10);
  const { reused, missing, copiesMax } = await readNumbers(stack.environment.kafkaBrokers);
  // A partition that changes its owner may have one page in the log twice.
  expect({ reused, missing, resentOften: copiesMax > 2 }).toEqual({
    reused: 0,
    missing: 0,
    resentOften: false,
  });
}, 400_000);
