import { describe, expect, it } from '@jest/globals';
import { allTopics, topics } from '@slipstream/contracts';
import { isKeptForEver, settingProblems, settingsOf } from './topic-settings.ts';

const settings = (topic: (typeof allTopics)[number], other: Record<string, string> = {}) =>
  new Map(Object.entries({ ...settingsOf(topic, 3), ...other }));
const { events, commands, watermarks } = topics;

describe('the settings of a topic', () => {
  it('are right as they are made', () => {
    for (const topic of allTopics) expect(settingProblems(topic, settings(topic))).toEqual([]);
  });

  it.each([
    [events, 'cleanup.policy', 'compact', 'delete'],
    [events, 'retention.ms', '604800000', '-1'],
    [events, 'retention.bytes', '1000000', '-1'],
    [events, 'compression.type', 'producer', 'uncompressed'],
    [events, 'max.message.bytes', '1000', 'at least 1048588'],
    [events, 'message.timestamp.type', 'LogAppendTime', 'CreateTime'],
    [commands, 'message.timestamp.type', 'CreateTime', 'LogAppendTime'],
    [commands, 'retention.ms', '1000', 'at least 2592000000, or -1'],
    [commands, 'retention.bytes', '1000', '-1'],
    [commands, 'max.message.bytes', '65536', 'at least 131072'],
    [watermarks, 'cleanup.policy', 'delete', 'compact'],
  ])('say what is wrong: %p with %s=%s', (topic, key, found, wanted) => {
    expect(settingProblems(topic, settings(topic, { [key]: found }))).toEqual([
      `${topic.name} has ${key}=${found}, wanted ${wanted}`,
    ]);
  });

  it('may keep more and take more than is needed', () => {
    const more = { 'retention.ms': '-1', 'max.message.bytes': '1048588' };
    expect(settingProblems(commands, settings(commands, more))).toEqual([]);
    expect(settingProblems(commands, settings(commands, { 'retention.ms': '2592000001' }))).toEqual([]);
    expect(settingProblems(watermarks, settings(watermarks, { 'retention.bytes': '1' }))).toEqual([]);
  });

  it('keep the events for ever, and nothing that anybody may write', () => {
    expect(allTopics.filter(isKeptForEver)).toEqual([topics.events, topics.ops, topics.checkpoints]);
  });
});
