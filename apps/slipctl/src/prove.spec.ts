import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { wholeProof } from './commands/prove.ts';
import { serve, slipctl } from './spec-support.ts';

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

describe('the command that is printed with a proof', () => {
  it('finds the script, and takes a file and a key as they are named', async () => {
    const folder = mkdtempSync(join(tmpdir(), "it's a proof "));
    const part = { ...(await ledger([])(0)), version: 2 };
    const key = { verifier_key: "k's key" };
    const proof = { ...part, checkpoint: { ...part.checkpoint, key } };
    const service = await serve(({ pathname }) => ({
      body: pathname.endsWith('/proof') ? proof : { data: [{ id: 's' }], next: null },
    }));
    try {
      const args = ['prove', 'ord-1', '-o', join(folder, 'proof.json'), '--json'];
      const { stdout } = await slipctl(args, { LEDGER_URL: service.url, TOKEN_OPS: 'good' });
      const { verify } = JSON.parse(stdout) as { verify: string };
      const verified = spawnSync('sh', ['-c', verify], { encoding: 'utf8' });
      // The script ran, and read the key.
      expect([verified.status, verified.stdout + verified.stderr]).toEqual([
        2,
        'cannot be verified: the key is no Ed25519 verifier key\n',
      ]);
    } finally {
      await service.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
