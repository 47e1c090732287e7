import { describe, expect, it } from '@jest/globals';
import { wholeProof } from './commands/prove.ts';

const partMax = 2;

/** Parts of a slip of five events; a checkpoint is signed before these reads. */
function ledger(signedBefore: readonly number[]) {
  let reads = 0;
  let checkpoint = 1;
  return async (after: number) => {
    if (signedBefore.includes(reads++)) checkpoint += 1;
    const events = [1, 2, 3, 4, 5].slice(after, after + partMax).map((version) => ({ version }));
    const key = { verifier_key: 'k' };
    return {
      kind: 'p',
      slip_id: 's',
      version: 5,
      checkpoint: { id: `c-${checkpoint}`, at: 't', key },
      events,
    };
  };
}

describe('a proof of more events than one answer has', () => {
  it('has all of them, in order, under one checkpoint', async () => {
    const { checkpoint, events } = await wholeProof(ledger([]));
    expect([checkpoint.id, events.map(({ version }) => version)]).toEqual(['c-1', [1, 2, 3, 4, 5]]);
  });

  it('is read anew when a checkpoint was signed meanwhile', async () => {
    const { checkpoint, events } = await wholeProof(ledger([1]));
    expect([checkpoint.id, events.map(({ version }) => version)]).toEqual(['c-2', [1, 2, 3, 4, 5]]);
  });

  it('is given up where checkpoints never stand still', async () => {
    await expect(wholeProof(ledger(Array.from({ length: 100 }, (_, i) => i)))).rejects.toMatchObject({
      exitCode: 1,
    });
  });
});
