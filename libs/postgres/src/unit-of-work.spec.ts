import { expect, test } from '@jest/globals';
import { type Tx, UnitOfWork } from './unit-of-work.ts';

test('an error says which statement failed, and nothing of its values', async () => {
  const client = {
    async query(config: string | object) {
      if (typeof config === 'string') return { rows: [], command: config };
      throw new Error('relation "dispatch" does not exist');
    },
  };
  const runner = { connect: async () => client, release: async () => {} };
  const unitOfWork = new UnitOfWork({ createQueryRunner: () => runner } as never);
  const sql = 'select 1 from dispatch where slip_id = any($1)';
  const failed = { message: 'relation "dispatch" does not exist', query: sql };
  for (const failing of [
    unitOfWork.query(sql, [['a secret']]),
    unitOfWork.run((tx) => tx.query(sql, [['a secret']])),
  ]) {
    const error = await failing.catch((reason: unknown) => reason);
    expect(error).toMatchObject(failed);
    expect(JSON.stringify(Object.entries(error as object))).not.toContain('secret');
  }
});

test.each([
  ['asks', async (tx: Tx) => void (await tx.query('select 1', [1]))],
  ['sends', async (tx: Tx) => tx.send('delete from slip where slip_id = $1', [1])],
  ['publishes', async (tx: Tx) => tx.publish([event])],
])('a transaction that %s and could not be started leaves nothing to be kept by itself', async (_, work) => {
  const asked: string[] = [];
  const client = {
    async query(config: string | { text: string }) {
      const text = typeof config === 'string' ? config : config.text;
      asked.push(text);
      if (text.startsWith('START')) throw new Error('canceling statement due to user request');
      return { rows: [], command: text.toUpperCase() };
    },
  };
  const runner = { connect: async () => client, release: async () => {} };
  const unitOfWork = new UnitOfWork({ createQueryRunner: () => runner } as never);
  await expect(unitOfWork.run(work)).rejects.toThrow('canceling statement');
  expect(asked).toEqual(['START TRANSACTION', 'rollback']);
});

const event = { topic: 't', partition: 0, key: null, body: new Uint8Array(), receivedAt: null };

test('a commit that the database made a rollback of is an error, also when nobody heard why', async () => {
  const client = { query: async () => ({ rows: [], command: 'ROLLBACK' }) };
  const runner = { connect: async () => client, release: async () => {} };
  const unitOfWork = new UnitOfWork({ createQueryRunner: () => runner } as never);
  const told: string[] = [];
  const run = unitOfWork.run(async (tx) => {
    const then = () => void told.push('committed');
    tx.afterCommit(then, () => void told.push('not known to be committed'));
    await tx.query('select 1', [1]);
  });
  await expect(run).rejects.toThrow('not committed');
  expect(told).toEqual(['not known to be committed']);
});

test('a transaction tells behind its commit which numbers it gave, and nothing else', async () => {
  const at = '2026-11-22T10:00:00.000000Z';
  const client = {
    async query(config: string | { text: string }) {
      if (typeof config === 'string') return { rows: [], command: config.toUpperCase() };
      return { rows: [{ topic: 't', partition: 0, first_seq: '7', at }], command: 'SELECT' };
    },
  };
  const runner = { connect: async () => client, release: async () => {} };
  const unitOfWork = new UnitOfWork({ createQueryRunner: () => runner } as never);
  const told: unknown[] = [];
  await unitOfWork.run(async (tx) => {
    tx.afterCommit(
      (stamps) => void told.push(stamps),
      () => void told.push('not known to be committed'),
    );
    tx.publish([event, event]);
  });
  expect(told).toEqual([[7n, 8n].map((seq) => ({ topic: 't', partition: 0, seq, at }))]);
});
