import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { sharedEnvironment } from '@slipstream/environment';
import { BatchConsumer } from './consumer.ts';
import { KafkaBatchTransport } from './nest-transport.ts';
import { MemoryStore, type MemoryTx } from './test-support/memory-store.ts';
import { Rig, recordOffsets, until } from './test-support/rig.ts';

const environment = sharedEnvironment();
let rig: Rig;

beforeEach(() => {
  rig = new Rig(environment().kafkaBrokers);
});
afterEach(() => rig.stop());

class AppModule {}
Module({})(AppModule);

describe('KafkaBatchTransport', () => {
  it('starts and drains batch consumers with a Nest application', async () => {
    await rig.start(2);
    await rig.events(0, 10);
    const store = new MemoryStore();
    const consumer = new BatchConsumer<MemoryTx>({
      kafka: rig.kafka,
      store,
      onFatal: () => {},
      subscription: { topic: rig.topic, group: rig.group, sequenced: true, handle: recordOffsets },
      log: { info() {}, warn() {}, error() {} },
      options: { maxWaitMs: 100 },
    });
    const strategy = new KafkaBatchTransport([consumer]);
    const app = await NestFactory.createMicroservice(AppModule, { strategy, logger: false });
    await app.listen();
    await until(() => store.effects.length === 10, 'all handled');
    await app.close();
    await rig.events(1, 5);
    expect(consumer.health().ok).toBe(false);
    expect(store.effects).toHaveLength(10);
  });
});
