import { growth, HotSet, type HotSlip, offsetsMax } from './hot-set.ts';
import { idWords } from './slip-ids.ts';

/** Bytes of one slip with all offsets that it may have: id, deadline, due, amount, currency, way, dispatch, stages, since, flags, count, offsets. */
const slipBytesMax = idWords * 4 + 8 + 8 + 8 + 4 + 2 + 4 + 1 + 4 + 1 + 1 + offsetsMax * 8;
/** What one row of the store holds. */
const chunkBytes = 512 * 1024;

/**
 * A hot set as bytes, in chunks that end between two slips. Numbers are little-endian. A later release must read what this
 * one wrote: the store keeps the format's number beside it.
 */
export function toChunks(hot: HotSet, before: number): Buffer[] {
  const chunks: Buffer[] = [];
  const id = new Uint32Array(idWords);
  let chunk = Buffer.allocUnsafe(chunkBytes);
  let at = 0;
  for (const slot of hot.slots()) {
    if (at + slipBytesMax > chunkBytes) {
      chunks.push(chunk.subarray(0, at));
      chunk = Buffer.allocUnsafe(chunkBytes);
      at = 0;
    }
    hot.id(slot, id);
    for (const word of id) at = chunk.writeUInt32LE(word, at);
    const { deadline, due, amount, currency, flags } = hot.get(slot);
    for (const number of [deadline, due, amount]) at = chunk.writeDoubleLE(number, at);
    at = chunk.writeUInt32LE(currency, at);
    at = chunk.writeUInt16LE(hot.way(slot), at);
    at = chunk.writeUInt32LE(hot.dispatched(slot), at);
    at = chunk.writeUInt8(hot.stages(slot), at);
    at = chunk.writeUInt32LE(hot.since(slot), at);
    at = chunk.writeUInt8(flags, at);
    const offsets = hot.offsets(slot, before);
    at = chunk.writeUInt8(offsets.length, at);
    for (const offset of offsets) at = chunk.writeDoubleLE(offset, at);
  }
  if (at > 0) chunks.push(Buffer.from(chunk.subarray(0, at)));
  return chunks;
}

/** How {@link toChunks} writes. */
export const format = 3;
/** Without the stages of slips, and before that without their ways. */
const withoutStages = 2;
const withoutWays = 1;

/** Puts the slips of chunks into a set. @throws RangeError for a format of a later release */
export function fromChunks(chunks: readonly Buffer[], slips: number, writtenIn: number = format): HotSet {
  if (![format, withoutStages, withoutWays].includes(writtenIn))
    throw new RangeError(`the snapshot has format ${writtenIn}`);
  const wayBytes = writtenIn === withoutWays ? 0 : 6;
  const stageBytes = writtenIn === format ? 5 : 0;
  const hot = new HotSet(Math.max(256, Math.ceil(slips * growth)));
  const id = new Uint32Array(idWords);
  for (const chunk of chunks) {
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
  return hot;
}
