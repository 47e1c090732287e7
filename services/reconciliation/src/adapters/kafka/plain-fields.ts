/**
 * Single fields of a protobuf message whose bytes are plain (`plainShapeOf` in contracts said so), read in place. What was
 * found last is told by {@link found}.
 */
export const found = { at: 0, end: 0, value: 0 };

/** How often a field is there; the last one counts. `tag`: its number and wire type. */
export function fieldOf(bytes: Buffer, from: number, end: number, tag: number): number {
  let times = 0;
  for (let at = from; at < end; ) {
    let here = bytes[at++]!;
    if (here > 127) here = (here & 127) | (bytes[at++]! << 7);
    const value = varint(bytes, at);
    const isText = (here & 7) === 2;
    const start = at + varintBytes;
    at = isText ? start + value : start;
    if (here !== tag) continue;
    times += 1;
    found.value = value;
    found.at = start;
    found.end = at;
  }
  return times;
}

let varintBytes = 0;

function varint(bytes: Buffer, from: number): number {
  let value = 0;
  let factor = 1;
  for (let at = from; ; at++, factor *= 128) {
    const byte = bytes[at]!;
    value += (byte & 127) * factor;
    if (byte < 128) {
      varintBytes = at + 1 - from;
      return value;
    }
  }
}

/** A slipstream.common.v1.Money. */
export const money = { amount: -1, currency: 0 };
const moneyAmount = 0x08;
const moneyCurrency = 0x12;

/** Reads a money field into {@link money}; amount -1: there is none. False: it is no amount that a number holds exactly. */
export function readMoney(bytes: Buffer, from: number, end: number, tag: number): boolean {
  money.amount = -1;
  money.currency = 0;
  const times = fieldOf(bytes, from, end, tag);
  if (times === 0) return true;
  const { at, end: until } = found;
  if (times > 1 || fieldOf(bytes, at, until, moneyCurrency) !== 1 || found.end - found.at !== 3) return false;
  const text = found.at;
  money.currency = (bytes[text]! << 16) | (bytes[text + 1]! << 8) | bytes[text + 2]!;
  money.amount = fieldOf(bytes, at, until, moneyAmount) === 0 ? 0 : found.value;
  return Number.isSafeInteger(money.amount);
}
