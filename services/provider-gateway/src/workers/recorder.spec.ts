import { expect, test } from '@jest/globals';
import { Unwritten } from '@slipstream/runtime';
import { waitFor } from '@slipstream/testing';
import { Recorder } from './recorder.ts';

const quick = { delayMsMin: 1, delayMsMax: 2 };
const told = () => ({ way: 'replies', unwritten: new Unwritten() });

test('what was read is kept as long as the database is away, and is written once', async () => {
  const written: string[] = [];
  let failures = 0;
  const away = new Error('away');
  const recorder: Recorder<string> = new Recorder({
    ...{ ...quick, ...told() },
    write: async (items) => {
      // Far more often than any patience would have lasted.
      if (failures < 100) {
        failures += 1;
        throw away;
      }
      written.push(...items);
    },
    mayPass: (error) => error === away,
    onError: () => expect(written).toEqual([]),
  });
  const recording = recorder.record('answer');
  expect(recorder.behind).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(recorder.behind).toBe(true);
  await recording;
  expect({ written, failures, behind: recorder.behind }).toEqual({
    written: ['answer'],
    failures: 100,
    behind: false,
  });
});

test('what its own content makes impossible to write costs no other its place, and is given up', async () => {
  const written: string[] = [];
  const errors: unknown[] = [];
  const recorder = new Recorder<string>({
    ...{ ...quick, ...told() },
    write: async (items) => {
      if (items.includes('bad')) throw new Error('refused');
      written.push(...items);
    },
    mayPass: () => false,
    onError: (error) => errors.push(error),
  });
  await Promise.all(['a', 'bad', 'b'].map((item) => recorder.record(item)));
  expect(written.toSorted()).toEqual(['a', 'b']);
  expect(recorder.behind).toBe(false);
  // Three times for the batch, and each of its own tries.
  expect(errors).toHaveLength(3 + 12);
});

test('the end of the process ends the keeping', async () => {
  const failed = Promise.withResolvers<void>();
  const recorder = new Recorder<string>({
    ...{ ...told(), delayMsMin: 60_000 },
    write: () => Promise.reject(new Error('away')),
    mayPass: () => true,
    onError: () => failed.resolve(),
  });
  const recording = recorder.record('answer');
  await failed.promise;
  recorder.end();
  await recording;
});

test('what was read and cannot be written holds watermarks back, until all of it or something after it is written', async () => {
  const away = new Error('away');
  const world = { failing: new Set(['a', 'b', 'c']) };
  const { way, unwritten } = told();
  const recorder = new Recorder<string>({
    ...{ ...quick, way, unwritten },
    write: async (items) => {
      if (items.some((item) => world.failing.has(item))) throw away;
    },
    mayPass: (error) => error === away,
    onError: () => {},
  });
  const holds = () => unwritten.holding().length > 0;
  const [a, b] = ['a', 'b'].map((item) => recorder.record(item));
  await waitFor(holds, { what: 'a watermark held back' });
  world.failing.delete('a');
  await a;
  expect(holds()).toBe(true);
  await recorder.record('d');
  expect([holds(), recorder.behind]).toEqual([false, true]);
  // It is tried again and again meanwhile: that alone begins nothing anew.
  await recorder.record('e');
  expect(holds()).toBe(false);
  world.failing.delete('b');
  await b;
  const c = recorder.record('c');
  await waitFor(holds, { what: 'a watermark held back anew' });
  world.failing.clear();
  await c;
  expect(holds()).toBe(false);
});

test('what its own content keeps from being written holds nothing back', async () => {
  const { way, unwritten } = told();
  const recorder = new Recorder<string>({
    ...{ ...quick, way, unwritten },
    write: () => Promise.reject(new Error('refused')),
    mayPass: () => false,
    onError: () => expect(unwritten.holding()).toEqual([]),
  });
  await recorder.record('bad');
});
