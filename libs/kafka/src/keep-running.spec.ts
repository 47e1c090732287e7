import { beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import { KeepRunning } from './keep-running.ts';

const quiet = { info() {}, warn() {}, error() {} };
const named = (name: string) => Object.assign(new Error(name), { name });

let runs: number;
let fatal: string[];
let stopping: boolean;
let listeners: Map<string, (event: { payload: object }) => void>;
let delays: number[];
let running: KeepRunning;

const say = (event: string, payload: object = {}) => listeners.get(event)!({ payload });
const crash = (name: string, restart = false) => say('crash', { restart, error: named(name) });

beforeEach(async () => {
  [runs, fatal, stopping, listeners, delays] = [0, [], false, new Map(), []];
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash' },
    on: (event: string, listener: never) => void listeners.set(event, listener),
    run: async () => void runs++,
  };
  running = new KeepRunning({
    consumer: consumer as never,
    ...{ group: 'g', config: {}, log: quiet, isStopping: () => stopping },
    onFatal: ({ name }) => fatal.push(name),
    delayMs: (failures) => {
      delays.push(failures);
      return 0;
    },
  });
  await running.run();
});

describe('a consumer that kafkajs has given up', () => {
  it('is run again when the coordinator was not up yet, however often', async () => {
    for (let i = 1; i <= 3; i++) {
      crash('KafkaJSGroupCoordinatorNotFound');
      await waitFor(() => runs === i + 1, { what: 'another run' });
    }
    say('join');
    crash('KafkaJSGroupCoordinatorNotFound');
    await waitFor(() => runs === 5, { what: 'another run' });
    expect(delays).toEqual([1, 2, 3, 1]);
    expect(fatal).toEqual([]);
  });

  it('ends the process for any other reason', () => {
    crash('TypeError');
    expect(fatal).toEqual(['TypeError']);
    expect(delays).toEqual([]);
  });

  it('is left alone when kafkajs restarts it itself, or it is being stopped', async () => {
    crash('KafkaJSConnectionError', true);
    stopping = true;
    crash('KafkaJSConnectionError');
    crash('TypeError');
    await running.stop();
    expect([runs, fatal, delays]).toEqual([1, [], []]);
  });
});
