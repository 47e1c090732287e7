import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaBatchTransport, type StartableConsumer } from './nest-transport.ts';

class AppModule {}
Module({})(AppModule);

/** A consumer that writes down what is done with it. */
function consumer(name: string, said: string[], start = async () => {}): StartableConsumer {
  const say = (what: string) => async () => {
    said.push(`${what} ${name}`);
  };
  return {
    async start() {
      await start();
      said.push(`start ${name}`);
    },
    drain: say('drain'),
    stop: say('stop'),
  };
}

function appOf(...consumers: StartableConsumer[]) {
  const strategy = new KafkaBatchTransport(consumers);
  return NestFactory.createMicroservice(AppModule, { strategy, logger: false });
}

test('consumers start with a Nest application, and all are drained before any is stopped', async () => {
  const said: string[] = [];
  const app = await appOf(consumer('a', said), consumer('b', said));
  await app.listen();
  expect(said).toEqual(['start a', 'start b']);
  await app.close();
  expect(said.slice(2)).toEqual(['drain a', 'drain b', 'stop a', 'stop b']);
});

test('the application hears why a consumer could not start', async () => {
  const strategy = new KafkaBatchTransport([
    consumer('a', [], () => Promise.reject(new Error('the topic is gone'))),
  ]);
  const told = await new Promise((resolve) => void strategy.listen(resolve));
  expect(told).toEqual(new Error('the topic is gone'));
});
