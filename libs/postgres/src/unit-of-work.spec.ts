import { expect, test } from '@jest/globals';
import { UnitOfWork } from './unit-of-work.ts';

test('an error says which statement failed, and nothing of its values', async () => {
  const client = {
    async query() {
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
