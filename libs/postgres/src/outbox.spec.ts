import { expect, test } from '@jest/globals';
import type { Lease } from './leases.ts';
import { areAll, assertFollowing, type OutboxRow, pageRowsMax, pagesToSend } from './outbox.ts';

const lease = (partition: number, sentSeq: bigint): Lease => ({
  topic: 't',
  partition,
  epoch: 1,
  sentSeq,
  endOffset: 0n,
  isStored: true,
});
const rows = (partition: number, ...seqs: number[]) =>
  seqs.map((seq) => ({ topic: 't', partition, seq: String(seq) }) as OutboxRow);
const seqsOf = (given: OutboxRow[], leases: Lease[]) =>
  pagesToSend(given, leases).map((page) => [page.lease.partition, page.rows.map((row) => Number(row.seq))]);

test('a page read ahead of a send that failed is not sent: it does not follow what was sent', () => {
  const given = [...rows(0, 6, 7), ...rows(1, 3, 4)];
  expect(seqsOf(given, [lease(0, 0n), lease(1, 2n)])).toEqual([[1, [3, 4]]]);
});

test('nothing is sent behind a gap, and nothing of a partition that is not held', () => {
  expect(seqsOf([...rows(0, 1, 2, 4, 5), ...rows(2, 1)], [lease(0, 0n)])).toEqual([[0, [1, 2]]]);
});

test('rows that are gone though they were not sent are an error, not the end of the outbox', () => {
  expect(() => assertFollowing(rows(0, 3), [lease(0, 1n)])).toThrow(
    'the outbox has seq 3 after 1 of t partition 0',
  );
  expect(() => assertFollowing(rows(0, 2), [lease(0, 1n), lease(1, 0n)])).not.toThrow();
});

test('rows are all there were only when no page of theirs can have been cut: by number, by bytes or by headers', () => {
  const sized = (count: number, bytes: number, headers: Record<string, string> | null = null) =>
    rows(0, ...Array.from({ length: count }, (_, seq) => seq)).map(
      (row): OutboxRow => ({ ...row, headers, body: Buffer.alloc(bytes) }),
    );
  expect(areAll(sized(3, 500))).toBe(true);
  expect(areAll(sized(pageRowsMax, 1))).toBe(false);
  expect(areAll(sized(2, 200 * 1024))).toBe(false);
  expect(areAll(sized(1, 1, { kind: 'dead letter' }))).toBe(false);
});
