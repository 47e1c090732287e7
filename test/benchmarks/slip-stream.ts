/** A life that ends well, in order. */
export type Step =
  | 'SlipSubmitted'
  | 'FundsHeld'
  | 'DispatchIntended'
  | 'SlipAcknowledged'
  | 'SlipReturned'
  | 'SlipSettled';

/** One event of the stream, whatever it will be written as. */
export interface Happening {
  readonly slip: number;
  readonly step: Step;
  /** Milliseconds since the stream began. */
  readonly atMs: number;
}

export interface StreamShape {
  readonly slips: number;
  /** Slips submitted a second. */
  readonly perSecond: number;
  /** From submission to return; the least must be longer than everything before the return takes. */
  readonly lifeMs: { readonly min: number; readonly max: number };
  /** From submission; later than the longest life. */
  readonly deadlineMs: number;
  /** Every life is told to its end, not only up to the last submission. */
  readonly drains: boolean;
}

/** From submission to each step before the return, in milliseconds. */
const early: readonly (readonly [Step, number])[] = [
  ['FundsHeld', 20],
  ['DispatchIntended', 40],
  ['SlipAcknowledged', 150],
];
const settledAfterMs = 20;
const perSecond = 2_000;
/** A steady stream has submitted so many times the slips that are open at a time. */
const steadyAfter = 1.25;

/** A stream that has about `open` slips open at a time, once it is steady. @throws Error where lives would be too short */
export function shapeOf(open: number, slips: number, drains: boolean): StreamShape {
  const meanMs = (open * 1_000) / perSecond;
  const lifeMs = { min: 0.8 * meanMs, max: 1.2 * meanMs };
  if (lifeMs.min <= early.at(-1)![1]) throw new Error(`${open} slips open at a time are too few`);
  return { slips, perSecond, lifeMs, deadlineMs: steadyAfter * meanMs, drains };
}

/** The slip from whose submission on a stream of {@link shapeOf} is steady: returns and verdicts come, too. */
export function steadyFrom(open: number): number {
  return Math.ceil(steadyAfter * open);
}

export function submittedAtMs({ perSecond }: StreamShape, slip: number): number {
  return Math.floor((slip * 1_000) / perSecond);
}

/** One in a hundred never returns. The peer's program follows the same rule, or it would find its own verdicts wrong. */
export function isMissing(slip: number): boolean {
  return mixedModulo(slip, 100) === 0;
}

/** The slips without a return that were due by then. */
export function missingBy(shape: StreamShape, timeMs: number): Set<number> {
  const missing = new Set<number>();
  for (let slip = 0; slip < shape.slips; slip++)
    if (submittedAtMs(shape, slip) + shape.deadlineMs <= timeMs && isMissing(slip)) missing.add(slip);
  return missing;
}

/** The same stream for the same shape, in the order of its times; each slip's steps keep theirs. */
export function* happenings(shape: StreamShape): Generator<Happening> {
  const later = new Later(shape);
  let nextMs = 0;
  for (let slip = 0; slip < shape.slips; slip++) {
    const atMs = submittedAtMs(shape, slip);
    for (; nextMs <= atMs; nextMs++) yield* later.take(nextMs);
    yield { slip, step: 'SlipSubmitted', atMs };
    for (const [index, step] of early.entries()) later.add(slip, index + 1, atMs + step[1]);
    if (isMissing(slip)) continue;
    const returnedMs = atMs + lifeMsOf(shape, slip);
    later.add(slip, returnedStep, returnedMs);
    later.add(slip, returnedStep + 1, returnedMs + settledAfterMs);
  }
  for (; shape.drains && later.size > 0; nextMs++) yield* later.take(nextMs);
}

/** By their place in a life. */
const steps: readonly Step[] = [
  'SlipSubmitted',
  ...early.map(([step]) => step),
  'SlipReturned',
  'SlipSettled',
];
const returnedStep = steps.indexOf('SlipReturned');
const none = -1;

function lifeMsOf({ lifeMs }: StreamShape, slip: number): number {
  return Math.round(lifeMs.min) + mixedModulo(slip ^ 77, spreadMsOf(lifeMs));
}

function spreadMsOf({ min, max }: StreamShape['lifeMs']): number {
  return Math.max(1, Math.round(max - min));
}

/**
 * What happens later, a list for each millisecond of the time that a life can last, each in the order of its slips. Lists and
 * their nodes lie in arrays: millions of objects waiting would take longer than all else.
 */
class Later {
  size = 0;
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  /** By node: slip and step, and the node behind. A slip's nodes are free again when its life is over. */
  readonly #slips: Int32Array;
  readonly #next: Int32Array;

  constructor({ lifeMs, perSecond }: StreamShape) {
    const lifeMsMax = Math.round(lifeMs.min) + spreadMsOf(lifeMs) + settledAfterMs;
    this.#first = new Int32Array(lifeMsMax + 1).fill(none);
    this.#last = new Int32Array(lifeMsMax + 1);
    this.#slips = new Int32Array(Math.ceil((perSecond * (lifeMsMax + 2)) / 1_000) + 1);
    this.#next = new Int32Array(this.#slips.length * steps.length);
  }

  add(slip: number, step: number, atMs: number): void {
    const at = slip % this.#slips.length;
    const node = at * steps.length + step;
    const list = atMs % this.#first.length;
    this.#slips[at] = slip;
    this.#next[node] = none;
    if (this.#first[list] === none) this.#first[list] = node;
    else this.#next[this.#last[list]!] = node;
    this.#last[list] = node;
    this.size += 1;
  }

  *take(atMs: number): Generator<Happening> {
    const list = atMs % this.#first.length;
    for (let node = this.#first[list]!; node !== none; node = this.#next[node]!) {
      this.size -= 1;
      const step = steps[node % steps.length]!;
      yield { slip: this.#slips[Math.floor(node / steps.length)]!, step, atMs };
    }
    this.#first[list] = none;
  }
}

/** The remainder of splitmix64 (Steele, Lea, Flood 2014): the whole stream follows from the slips' numbers, below 2^31. */
function mixedModulo(number: number, divisor: number): number {
  // number + 0x9e3779b97f4a7c15
  low = number + 0x7f4a7c15;
  high = 0x9e3779b9 + (low > 0xffffffff ? 1 : 0);
  low >>>= 0;
  shifted(30);
  multiplied(0xbf58476d, 0x1ce4e5b9);
  shifted(27);
  multiplied(0x94d049bb, 0x133111eb);
  shifted(31);
  return ((high % divisor) * (0x1_0000_0000 % divisor) + low) % divisor;
}

/** A number of 64 bits, in halves. */
let high = 0;
let low = 0;

/** z ^ (z >> bits) */
function shifted(bits: number): void {
  low = (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0;
  high = (high ^ (high >>> bits)) >>> 0;
}

/** z * by, as far as 64 bits go. */
function multiplied(byHigh: number, byLow: number): void {
  const a = low & 0xffff;
  const b = low >>> 16;
  const c = byLow & 0xffff;
  const d = byLow >>> 16;
  const middle = a * d + ((a * c) >>> 16);
  const other = b * c + (middle & 0xffff);
  const carried = b * d + (middle >>> 16) + (other >>> 16);
  high = (carried + Math.imul(low, byHigh) + Math.imul(high, byLow)) >>> 0;
  low = Math.imul(low, byLow) >>> 0;
}
