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
  return mixed(BigInt(slip)) % 100n === 0n;
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
  const waiting = new Map<number, Happening[]>();
  let nextMs = 0;
  for (let slip = 0; slip < shape.slips; slip++) {
    const atMs = submittedAtMs(shape, slip);
    for (; nextMs <= atMs; nextMs++) yield* taken(waiting, nextMs);
    yield { slip, step: 'SlipSubmitted', atMs };
    for (const happening of laterOf(shape, slip, atMs)) {
      const others = waiting.get(happening.atMs);
      if (others) others.push(happening);
      else waiting.set(happening.atMs, [happening]);
    }
  }
  for (; shape.drains && waiting.size > 0; nextMs++) yield* taken(waiting, nextMs);
}

function taken(waiting: Map<number, Happening[]>, atMs: number): readonly Happening[] {
  const here = waiting.get(atMs) ?? [];
  waiting.delete(atMs);
  return here;
}

function laterOf({ lifeMs }: StreamShape, slip: number, atMs: number): Happening[] {
  const later = early.map(([step, afterMs]) => ({ slip, step, atMs: atMs + afterMs }));
  if (isMissing(slip)) return later;
  const spreadMs = BigInt(Math.max(1, Math.round(lifeMs.max - lifeMs.min)));
  const returnedMs = atMs + Math.round(lifeMs.min) + Number(mixed(BigInt(slip) ^ 77n) % spreadMs);
  return [
    ...later,
    { slip, step: 'SlipReturned', atMs: returnedMs },
    { slip, step: 'SlipSettled', atMs: returnedMs + settledAfterMs },
  ];
}

/** splitmix64 (Steele, Lea, Flood 2014): the whole stream follows from the slips' numbers. */
function mixed(number: bigint): bigint {
  let z = BigInt.asUintN(64, number + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
