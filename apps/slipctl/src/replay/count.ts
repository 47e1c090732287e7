import type { Instant } from '@slipstream/kernel';
import type { Progress } from '../output/terminal.ts';
import type { LoggedRecord, RecordSource, Span } from './records.ts';

/** What a replay would replay. */
export interface Preview {
  /** Records of the log that are looked at. */
  readonly read: number;
  readonly records: number;
  readonly slips: number;
  readonly bytes: number;
  readonly first: Instant | null;
  readonly last: Instant | null;
  /** The most first. */
  readonly byType: readonly { readonly type: string; readonly records: number }[];
}

/** Of records that are no events. */
const unreadable = '(unreadable)';

export async function count(
  source: RecordSource,
  spans: ReadonlyMap<number, Span>,
  isMeant: (record: LoggedRecord) => boolean,
  progress: Progress,
): Promise<Preview> {
  const types = new Map<string, number>();
  const total = [...spans].reduce((sum, [, { start, end }]) => sum + end - start, 0);
  const found = {
    read: 0,
    records: 0,
    bytes: 0,
    slips: 0,
    first: null as Instant | null,
    last: null as Instant | null,
  };
  for (const [partition, { start, end }] of spans) {
    // A slip's records lie in one partition: no more of them are known at once.
    const slips = new Set<string>();
    for (let at = start; at < end; ) {
      const { records, next } = await source.read(partition, at, end, isMeant);
      for (const { key, head, value, time } of records) {
        slips.add(head?.slipId ?? key ?? '');
        const type = head?.type ?? unreadable;
        types.set(type, (types.get(type) ?? 0) + 1);
        found.bytes += value.length;
        if (found.first === null || time < found.first) found.first = time;
        if (found.last === null || time > found.last) found.last = time;
      }
      found.records += records.length;
      found.read += next - at;
      at = next;
      progress.update(found.read, total);
    }
    found.slips += slips.size;
  }
  const byType = [...types].map(([type, records]) => ({ type, records }));
  byType.sort((a, b) => b.records - a.records);
  return { ...found, byType };
}
