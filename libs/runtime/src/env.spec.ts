import { describe, expect, it } from '@jest/globals';
import { StartError } from '@slipstream/kernel';
import { integer, list, oneOf, optionalText, readEnvironment, text, url } from './env.ts';

const specs = {
  port: integer('PORT', 'where it listens', { min: 0, max: 65_535 }),
  batchSizeMax: integer('BATCH_SIZE_MAX', 'more uses more memory', { min: 1, max: 1000 }, 100),
  database: url('DATABASE_URL', 'where rows live', ['postgres', 'postgresql']),
  brokers: list('BROKERS', 'where events live', /^[^:]+:\d+$/),
  level: oneOf('LEVEL', 'how much is logged', ['error', 'log'], 'log'),
  color: text('COLOR', 'what it looks like', 'blue'),
  note: optionalText('NOTE', 'says nothing'),
};

const good = { PORT: '0', DATABASE_URL: 'postgres://u:secret@h/db', BROKERS: 'a:1, b:2' };

describe('readEnvironment', () => {
  it('gives typed values, with defaults where a variable is absent or empty, and freezes them', () => {
    const settings = readEnvironment(specs, { ...good, COLOR: '' });
    expect(settings).toEqual({
      port: 0,
      batchSizeMax: 100,
      database: 'postgres://u:secret@h/db',
      brokers: ['a:1', 'b:2'],
      level: 'log',
      color: 'blue',
      note: null,
    });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.brokers)).toBe(true);
  });

  it('names every wrong variable with its reason, and never a value', () => {
    const wrong = { PORT: '70000', DATABASE_URL: 'mysql://u:hunter2@h/db', BROKERS: 'a:1,b', LEVEL: 'loud' };
    const read = () => readEnvironment(specs, wrong);
    expect(read).toThrow(StartError);
    expect(read).toThrow(/PORT: must be an integer from 0 to 65535/);
    expect(read).toThrow(/DATABASE_URL: must be a URL that starts with postgres:\/\/ or postgresql:\/\//);
    expect(read).toThrow(/BROKERS: entry 2 of the list is not valid/);
    expect(read).toThrow(/LEVEL: must be one of error, log/);
    expect(read).not.toThrow(/hunter2/);
  });

  it('says which required variables are missing and what they do', () => {
    expect(() => readEnvironment(specs, {})).toThrow(/PORT: is required but not set \(where it listens\)/);
  });

  it.each(['1e3', ' 5', '5.0', '0x10', '--1', '9'.repeat(30), 'NaN'])('refuses %s as an integer', (raw) => {
    expect(() => readEnvironment(specs, { ...good, BATCH_SIZE_MAX: raw })).toThrow(/BATCH_SIZE_MAX/);
  });
});
