import type { StagePolicy } from '@slipstream/slip';
import { HotSet, type HotSlip } from './hot-set.ts';
import { idWords } from './slip-ids.ts';
import { roomFor, slotBytes } from './slip-record.ts';

/** What one row of the store holds. */
const chunkBytes = Math.floor((512 * 1024) / slotBytes) * slotBytes;

/**
 * A hot set as bytes: its records as they are, in chunks of whole ones. Numbers are little-endian, as on every machine that
 * this runs on. A later release must read what this one wrote: the store keeps the format's number beside it.
 */
export function toChunks(hot: HotSet): Buffer[] {
  const chunks: Buffer[] = [];
  let left = hot.size * slotBytes;
  for (let slot = 0; left > 0; ) {
    const chunk = Buffer.allocUnsafe(Math.min(left, chunkBytes));
    const { next, bytes } = hot.copyRecords(slot, chunk);
    chunks.push(chunk.subarray(0, bytes));
    left -= bytes;
    slot = next;
  }
  return chunks;
}

/** How {@link toChunks} writes. */
export const format = 4;
/** The same, of slips in review that have limits: a release before this one would take them for submitted, and say that they are late. */
const withReviews = 5;

export function formatOf(stages: readonly StagePolicy[]): number {
  return stages.some(({ review }) => review) ? withReviews : format;
}

/** Slips one after the other, field by field; before that without their stages, and without their ways. */
const fieldByField = 3;
const withoutStages = 2;
const withoutWays = 1;

/** Puts the slips of chunks into a set. @throws RangeError for a format of a later release, or a chunk that is cut off */
export function fromChunks(chunks: readonly Buffer[], slips: number, writtenIn: number = format): HotSet {
  const isRecords = writtenIn === format || writtenIn === withReviews;
  if (!isRecords && ![fieldByField, withoutStages, withoutWays].includes(writtenIn))
    throw new RangeError(`the snapshot has format ${writtenIn}`);
  const hot = new HotSet(Math.max(256, roomFor(slips)));
  for (const chunk of chunks) {
    if (!isRecords) addFieldByField(hot, chunk, writtenIn);
    else if (chunk.length % slotBytes !== 0)
      throw new RangeError(`a chunk of the snapshot has ${chunk.length} bytes, which is no number of slips`);
    else hot.addRecords(chunk);
  }
  return hot;
}

/** Id, deadline, due, amount, currency, way, dispatch, stages, since, flags, count, offsets. */
function addFieldByField(hot: HotSet, chunk: Buffer, writtenIn: number): void {
  const wayBytes = writtenIn === withoutWays ? 0 : 6;
  const stageBytes = writtenIn === fieldByField ? 5 : 0;
  const id = new Uint32Array(idWords);
  for (let at = 0; at < chunk.length; ) {
    for (let word = 0; word < idWords; word++, at += 4) id[word] = chunk.readUInt32LE(at);
    const slip: HotSlip = {
      deadline: chunk.readDoubleLE(at),
      due: chunk.readDoubleLE(at + 8),
      amount: chunk.readDoubleLE(at + 16),
      currency: chunk.readUInt32LE(at + 24),
      flags: chunk.readUInt8(at + 28 + wayBytes + stageBytes),
    };
    const slot = hot.add(id, slip);
    if (wayBytes > 0) hot.setWay(slot, chunk.readUInt16LE(at + 28), chunk.readUInt32LE(at + 30));
    if (stageBytes > 0) hot.limitStages(slot, chunk.readUInt8(at + 34), chunk.readUInt32LE(at + 35));
    at += wayBytes + stageBytes;
    const count = chunk.readUInt8(at + 29);
    at += 30;
    for (let i = 0; i < count; i++, at += 8) hot.note(slot, chunk.readDoubleLE(at));
  }
}
