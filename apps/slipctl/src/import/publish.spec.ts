import { describe, expect, it } from '@jest/globals';
import { compareMessages, messagesOf } from './messages.ts';
import { type Bus, publish } from './publish.ts';
import { mappingWith, rowOf } from './spec-support.ts';

type Said = {
  readonly topic: string;
  readonly time: string;
  readonly advance?: boolean;
  readonly close?: boolean;
};

function recordingBus() {
  const said: Said[] = [];
  const bus: Bus = {
    async submitSlips(commands) {
      said.push(...commands.map(({ time }) => ({ topic: 'commands', time: String(time) })));
    },
    async reportProviderResults(results) {
      said.push(...results.map(({ time }) => ({ topic: 'results', time: String(time) })));
    },
    async advanceClock({ topic, time, close }) {
      said.push({ topic, time: String(time), advance: true, close });
    },
  };
  return { bus, said };
}

const unpaced = { async sent() {} };
const until = '2019-01-01T00:00:00.000000Z';
const day = (index: number) => `2018-01-${String(1 + (index % 28)).padStart(2, '0')} 10:00:00`;
const messages = Array.from({ length: 50 }, (_, index) =>
  messagesOf(
    rowOf(mappingWith(), { ref: `o-${index}`, sent: day(index), taken: day(index + 3) }),
    'sent',
    until,
  ),
)
  .flat()
  .toSorted(compareMessages);

describe('publishing', () => {
  it('sends everything, and closes the clock in both topics after it', async () => {
    const { bus, said } = recordingBus();
    expect(await publish(bus, messages, { clock: 'c', pace: unpaced, until, batchSizeMax: 7 })).toBe(
      messages.length,
    );
    expect(said.filter(({ advance }) => !advance)).toHaveLength(messages.length);
    expect(said.slice(-2)).toEqual([
      { topic: 'commands', time: until, advance: true, close: true },
      { topic: 'results', time: until, advance: true, close: true },
    ]);
  });

  it('advances the clock now and then, never over a report that is still to be sent', async () => {
    const { bus, said } = recordingBus();
    await publish(bus, messages, {
      clock: 'c',
      pace: unpaced,
      until,
      batchSizeMax: 7,
      messagesPerAdvance: 20,
    });
    const advances = said.filter(({ advance, close }) => advance && !close);
    expect(advances.length).toBeGreaterThan(8);
    for (const [index, { advance, topic, time }] of said.entries()) {
      if (!advance) continue;
      const later = said.slice(index + 1).filter((one) => !one.advance && one.topic === topic);
      expect(later.every((one) => one.time > time)).toBe(true);
    }
  });
});
