import { expect, test } from '@jest/globals';
import { SendFailed } from '@slipstream/kafka';
import { waitFor } from '@slipstream/testing';
import { type Outbox, startOutboxRelay } from './outbox.ts';
import { type PreparedCommand, recordOf } from './prepared.ts';

const command = (id: string): PreparedCommand => ({ id, topic: 't', partition: 0, key: 'ord-1', value: '' });

/** A table in memory. */
function table(...rows: PreparedCommand[]): Outbox & { rows: PreparedCommand[] } {
  return {
    rows,
    unsent: async (countMax) => rows.slice(0, countMax),
    async sent(ids) {
      for (const id of ids)
        rows.splice(
          rows.findIndex((row) => row.id === id),
          1,
        );
    },
  };
}

function relayOf(outbox: Outbox, failures: (Error | null)[] = [], idleMs = 1) {
  const sent: string[][] = [];
  const said: string[] = [];
  const say = (level: string) => (_: string, fields?: object) =>
    void said.push(`${level} ${(fields as { error: string }).error}`);
  const relay = startOutboxRelay(outbox, {
    async send(commands) {
      const failure = failures.shift();
      if (failure) throw failure;
      sent.push(commands.map(({ id }) => id));
    },
    log: { info() {}, warn: say('warn'), error: say('error') },
    ...{ idleMs, retryLimits: { minMs: 1, maxMs: 1 } },
  });
  return { relay, sent, said };
}

test('what was written is sent in its order and goes, and so does what is written later', async () => {
  const outbox = table(command('a'), command('b'));
  const { relay, sent } = relayOf(outbox);
  await waitFor(() => sent.length === 1, { what: 'the first two' });
  outbox.rows.push(command('c'));
  await waitFor(() => sent.length === 2, { what: 'the third' });
  await relay.stop();
  expect([sent, outbox.rows]).toEqual([[['a', 'b'], ['c']], []]);
});

test('what could not be sent keeps its place, and is sent again in the same order', async () => {
  const outbox = table(command('a'), command('b'));
  const away = new SendFailed('no broker', true);
  const { relay, sent, said } = relayOf(outbox, [away, new SendFailed('too large', false), null]);
  await waitFor(() => sent.length === 1, { what: 'both' });
  await relay.stop();
  expect([sent, said]).toEqual([[['a', 'b']], ['warn no broker', 'error too large']]);
});

test.each([
  [{ value: undefined }, 'value is no text'],
  [{ partition: '0' }, 'partition is no whole number'],
])('a row with %j is named, and nothing of it is sent', (over, said) => {
  const row = { ...command('a'), ...over } as never as PreparedCommand;
  const refused = { code: 'validation_failed', detail: `the command "a" is not as it was prepared: ${said}` };
  expect(() => recordOf(row)).toThrow(expect.objectContaining(refused));
});

test('a database that is away for a moment ends nothing', async () => {
  const rows = table(command('a'));
  let failures = 2;
  const outbox: Outbox = {
    ...rows,
    unsent: async (countMax) => {
      if (failures-- > 0) throw new Error('connection refused');
      return rows.unsent(countMax);
    },
  };
  const { relay, sent } = relayOf(outbox);
  await waitFor(() => sent.length === 1, { what: 'the command' });
  await relay.stop();
});

test('woken, it looks at once; woken while it looks, it looks again', async () => {
  const outbox = table();
  const { relay, sent } = relayOf(outbox, [], 600_000);
  // It may be looking, or waiting already: both find what was committed before.
  outbox.rows.push(command('a'));
  relay.wake();
  await waitFor(() => sent.length === 1, { what: 'the command' });
  await relay.stop();
});
