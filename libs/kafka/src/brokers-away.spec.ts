import { describe, expect, it } from '@jest/globals';
import { isBrokersAway, whileBrokersAreAway } from './brokers-away.ts';

const named = (name: string, rest: object = {}) => Object.assign(new Error(name), { name, ...rest });
const away = () => named('KafkaJSConnectionError');
const quiet = { info() {}, error() {} };

function failing(times: number, error: () => Error) {
  let tries = 0;
  return {
    tries: () => tries,
    work: async () => {
      if (tries++ < times) throw error();
      return 'done';
    },
  };
}

describe('brokers that are away', () => {
  it.each([
    named('KafkaJSGroupCoordinatorNotFound'),
    named('KafkaJSNumberOfRetriesExceeded'),
    named('KafkaJSProtocolError', { retriable: true }),
    new Error('outer', { cause: away() }),
  ])('are known by their error: %p', (error) => expect(isBrokersAway(error)).toBe(true));

  it.each([new TypeError('x'), named('KafkaJSProtocolError', { retriable: false }), 'text', null])(
    'are not %p',
    (error) => expect(isBrokersAway(error)).toBe(false),
  );

  it('are waited for, with few words', async () => {
    const lines: unknown[] = [];
    const { work, tries } = failing(25, away);
    const options = {
      log: { ...quiet, warn: (_: string, fields?: object) => lines.push(fields) },
      delayMs: () => 0,
    };
    expect(await whileBrokersAreAway('joining', work, options)).toBe('done');
    expect(tries()).toBe(26);
    expect(lines).toMatchObject([{ failures: 1 }, { failures: 11 }, { failures: 21 }]);
  });

  it('do not hide another error, nor hold up a stop', async () => {
    const log = { ...quiet, warn() {} };
    await expect(
      whileBrokersAreAway('x', failing(1, () => new TypeError('bug')).work, { log }),
    ).rejects.toThrow('bug');
    let stopping = false;
    const { work, tries } = failing(99, away);
    const delayMs = (failures: number) => {
      stopping = failures === 2;
      return 0;
    };
    await expect(
      whileBrokersAreAway('x', work, { log, delayMs, isStopping: () => stopping }),
    ).rejects.toThrow();
    expect(tries()).toBe(2);
  });
});
