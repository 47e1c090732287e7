import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { prepareTopics, type Tx, type UnitOfWork } from '@slipstream/postgres';
import { v7 } from 'uuid';
import { checkpointTx } from '../src/adapters/postgres/checkpoints.ts';
import { proofs } from '../src/adapters/postgres/proofs.ts';
import { type StoredCheckpoint, takeCheckpoint } from '../src/application/take-checkpoint.ts';
import { checkpointOf } from '../src/domain/log/checkpoint.ts';
import { leavesPerKeptTree } from '../src/domain/log/tree.ts';
import { signingKey } from '../src/signing-key.ts';
import { type Books, openBooks } from './books.ts';
import { recordedAs, returned, submitted } from './builders.ts';
import { Feed } from './feed.ts';

// A program without types.
const { includes, isConsistent, leafHash } = await import('../../../tools/verify-proof.mjs' as string);

const environment = sharedEnvironment();
let books: Books;
beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  await prepareTopics(books.unitOfWork, [topics.checkpoints]);
});
afterAll(() => books?.close());

const key = signingKey(generateKeyPairSync('ed25519').privateKey);
const signed = async (): Promise<StoredCheckpoint> => {
  const taken = await books.unitOfWork.run((tx) => takeCheckpoint(checkpointTx(tx), key, v7, 0));
  if (taken.kind !== 'signed') throw new Error(`nothing was signed: ${taken.kind}`);
  return taken.checkpoint;
};
const bytesOf = (hash: string) => Buffer.from(hash, 'latin1');

/** Counts what is asked in its transactions. */
function counted(unitOfWork: UnitOfWork) {
  const count = { statements: 0 };
  const counting = {
    run: <T>(work: (tx: Tx) => Promise<T>) =>
      unitOfWork.run((tx) => {
        const query = <Row>(sql: string, parameters?: unknown[]) => {
          count.statements++;
          return tx.query<Row>(sql, parameters);
        };
        return work({ query } as Tx);
      }),
    query: <Row>(sql: string, parameters?: unknown[]) => unitOfWork.query<Row>(sql, parameters),
  } as UnitOfWork;
  return { count, of: proofs(counting, async () => {}) };
}

it('proves events that lie far apart in the log with as many questions as two that lie together', async () => {
  const feed = new Feed(3);
  let n = 0;
  const event = (slip: string, of: Parameters<typeof recordedAs>[0]) => feed.event(recordedAs(of, ++n, slip));
  const records = [
    event('near', submitted({})),
    event('near', returned('succeeded')),
    event('far', submitted({})),
  ];
  const chunks = 5;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let other = 0; other < leavesPerKeptTree; other++) records.push(event(`other-${n}`, submitted({})));
    records.push(event('far', returned('succeeded')));
  }
  await books.handleUnit(records);
  await signed();

  const near = counted(books.unitOfWork);
  const far = counted(books.unitOfWork);
  await near.of.ofSlip('near', 0);
  const proof = (await far.of.ofSlip('far', 0))!;
  expect(proof.events).toHaveLength(1 + chunks);
  // Those that the tree is made of beyond one chunk.
  expect(far.count.statements).toBeLessThanOrEqual(near.count.statements + 1);

  const [head] = checkpointOf(proof.checkpoint.note).heads.filter(({ partition }) => partition === 3);
  for (const { index, offset, bytes, path } of proof.events) {
    const leaf = leafHash(index, offset, bytes);
    const root = bytesOf(head!.root);
    expect(includes({ leaf, index, size: head!.size, path: path.map(bytesOf), root })).toBe(true);
  }
});

it('proves of all partitions at once that they only grew', async () => {
  const feeds = [new Feed(1), new Feed(2)];
  const grow = (to: string) =>
    books.handleUnit(
      feeds.map((feed) => feed.event(recordedAs(submitted({}), 3_000, `${to}-${feed.partition}`))),
    );
  await grow('small');
  const from = await signed();
  await grow('large');
  const to = await signed();
  const { partitions } = (await counted(books.unitOfWork).of.consistency(from.id, to.id))!;
  const later = new Map(checkpointOf(to.note).heads.map((head) => [head.partition, head]));
  for (const { partition, size, root } of checkpointOf(from.note).heads) {
    const { path } = partitions.find((one) => one.partition === partition)!;
    const { size: second, root: secondRoot } = later.get(partition)!;
    const proved = { first: size, firstRoot: bytesOf(root), second, secondRoot: bytesOf(secondRoot) };
    expect(isConsistent({ ...proved, path: path.map(bytesOf) })).toBe(true);
  }
});
