import type { Stage, StageLimits, StagePoint, StagePolicy } from '@slipstream/slip';
import type { Flight } from '../../domain/returns/flight.ts';
import type { AtRisk } from '../at-risk.ts';
import { Tally } from '../returns/tally.ts';
import {
  type HotSet,
  isHeard,
  isHeld,
  isInTime,
  isLate,
  isSent,
  isSlow,
  isWarned,
  mayHaveLeft,
} from './hot-set.ts';
import type { Departure, Snapshot } from './ports.ts';
import { IdList, idOf, idText, idWords } from './slip-ids.ts';
import { format, formatOf, fromChunks, toChunks } from './snapshot.ts';
import { StagePolicies } from './stage-policies.ts';
import { type Way, Ways } from './ways.ts';

/** A slip's terms, as its first event says them. Times in microseconds, the amount in minor units (-1: none). */
export interface Terms {
  deadline: number;
  graceMs: number;
  amount: number;
  currency: number;
  route: string;
  /** null: the stages have no limits. */
  stages: StagePolicy | null;
  /** People must approve it first. */
  inReview: boolean;
  /** When the submission was received, in microseconds. */
  receivedAt: number;
}

/** What a partition begins with that never had a snapshot. */
export function emptySnapshot(offset: number): Snapshot {
  return { offset, sequences: new Map(), slips: 0, chunks: [], format, ways: [], stages: [] };
}

/** A slip that takes longer than others do. */
export interface SlowSlip {
  readonly slipId: string;
  readonly provider: string;
  readonly route: string;
  /** Milliseconds since 1970. */
  readonly dispatchedAt: number;
  readonly usualMs: number;
  /** Microseconds since 1970. */
  readonly deadline: number;
}

/** A slip whose present stage takes too long. */
export interface LateStage {
  readonly slipId: string;
  readonly stage: Stage;
  readonly point: StagePoint;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly limitMs: number;
  /** '': it was given to none. */
  readonly provider: string;
}

/** What a stage has come to; null: nothing to be told. */
export type StageJudge = (stage: Stage, limits: StageLimits, since: number, now: number) => StagePoint | null;

/** Limits of a stage of which nothing is to be told. */
const untold: StageLimits = { warnMs: 0, actMs: 0 };

/** Longer than a unit may wait that nobody waits for (180 ms on a full machine), and a tick with it. */
const soonMs = 250;
const justMs = 1_000;

/** What is kept of a slip that leaves memory, from which all that is known of it is found again. */
export interface Left {
  /** Of its events; ascending. */
  readonly offsets: readonly number[];
  /** What was told of its present stage: no event of another service. */
  readonly late: { readonly stage: Stage; readonly point: StagePoint } | null;
}

/** What was folded since the last unit. */
export class Taken {
  slips = 0;
  inTime = 0;
  /** Slips that began. */
  readonly begun = new IdList();
  /** Slips that an event was loud about. */
  readonly loud = new Set<string>();
  /** Slips that left memory. */
  readonly left = new Map<string, Left>();
  readonly departures: Departure[] = [];
  /** Those of `left` that nothing happened to: they made room. */
  readonly cold: string[] = [];
  /** What was dispatched and what came back. */
  readonly tally = new Tally();
}

/**
 * What is followed in memory of one partition. Each method tells of the next event of a slip, and gives false when
 * something may follow from it: then nothing has changed.
 */
export class HotPartition {
  readonly partition: number;
  readonly hot: HotSet;
  readonly ways: Ways;
  readonly stages: StagePolicies;
  taken = new Taken();
  /** Where the latest snapshot stands. */
  snapshotAt: number;

  constructor(partition: number, { offset, slips, chunks, format: writtenIn, ways, stages }: Snapshot) {
    this.partition = partition;
    this.hot = fromChunks(chunks, slips, writtenIn);
    this.ways = new Ways(ways);
    this.stages = new StagePolicies(stages);
    this.snapshotAt = offset;
  }

  /** The slip must not be there. */
  submitted(id: Uint32Array, offset: number, terms: Terms): boolean {
    const { deadline, graceMs, amount, currency, route, stages, inReview, receivedAt } = terms;
    const { loud, begun } = this.taken;
    // What that event made of it is not in the store yet.
    if (loud.size > 0 && loud.has(idText(id))) return false;
    const due = deadline + graceMs * 1_000;
    const slot = this.hot.add(id, { deadline, due, amount, currency, flags: 0 });
    this.hot.note(slot, offset);
    this.hot.setWay(slot, this.ways.numberOf(route, ''), 0);
    if (stages !== null) this.#limit(slot, inReview ? (stages.review ?? untold) : null, stages, receivedAt);
    this.taken.slips += 1;
    begun.push(id);
    return true;
  }

  /** With limits of a review it is in review, and without them it is not, or not any more. */
  #limit(slot: number, review: StageLimits | null, stages: StagePolicy, receivedAt: number): void {
    this.hot.limitStages(slot, this.stages.numberOf({ ...stages, review }), toMs(receivedAt));
  }

  /** Known to be in review it is from now on as any other, with another deadline. Times in microseconds. */
  approved(slot: number, offset: number, deadline: number, receivedAt: number): boolean {
    const { hot } = this;
    const stages = this.#policy(slot);
    if (!stages?.review || hot.has(slot, isHeld | isInTime) || !this.followed(slot, offset)) return false;
    hot.delay(slot, deadline);
    this.#limit(slot, null, stages, receivedAt);
    hot.enter(slot, 0, toMs(receivedAt));
    return true;
  }

  /** null: its stages have no limits. */
  #policy(slot: number): StagePolicy | null {
    const number = this.hot.stages(slot);
    return number === 0 ? null : this.stages.at(number);
  }

  followed(slot: number, offset: number): boolean {
    if (!this.hot.hasRoom(slot)) return false;
    this.hot.note(slot, offset);
    return true;
  }

  held(slot: number, offset: number, receivedAt: number): boolean {
    if (!this.followed(slot, offset)) return false;
    const isFirst = this.hot.stages(slot) !== 0 && !this.hot.has(slot, isHeld);
    this.hot.hold(slot);
    if (isFirst) this.hot.enter(slot, isHeld, toMs(receivedAt));
    return true;
  }

  /** The provider has it, or says how far it is. */
  heard(slot: number, offset: number, receivedAt: number): boolean {
    if (!this.followed(slot, offset)) return false;
    this.#next(slot, isHeard, receivedAt);
    return true;
  }

  #next(slot: number, flag: number, receivedAt: number): void {
    const { hot } = this;
    if (hot.stages(slot) !== 0 && !hot.has(slot, flag)) hot.enter(slot, flag, toMs(receivedAt));
  }

  /** A call to a provider is intended: with the first one it is under way. Times in microseconds. */
  intended(slot: number, offset: number, provider: string, at: number, receivedAt: number): boolean {
    if (!this.followed(slot, offset)) return false;
    const { hot } = this;
    this.#next(slot, isSent, receivedAt);
    if (hot.dispatched(slot) !== 0 || hot.way(slot) === 0 || hot.has(slot, isInTime)) return true;
    const [route] = this.ways.at(hot.way(slot));
    const way = this.ways.numberOf(route, provider);
    // There are too many ways to tell this one.
    if (way === 0) return true;
    // Its low 32 bits; 0 would mean that it was not.
    hot.setWay(slot, way, toMs(at) % 2 ** 32 || 1);
    this.#count('dispatched', slot, receivedAt);
    return true;
  }

  notSent(slot: number, offset: number, receivedAt: number): boolean {
    if (!this.followed(slot, offset)) return false;
    const { hot } = this;
    if (hot.dispatched(slot) === 0 || hot.has(slot, mayHaveLeft) || hot.has(slot, isInTime)) return true;
    this.#count('withdrawn', slot, receivedAt);
    hot.setWay(slot, this.ways.numberOf(this.ways.at(hot.way(slot))[0], ''), 0);
    return true;
  }

  unanswered(slot: number, offset: number): boolean {
    if (!this.followed(slot, offset)) return false;
    this.hot.mark(slot, mayHaveLeft);
    return true;
  }

  #count(kind: Flight['kind'], slot: number, receivedAt: number): void {
    const { hot } = this;
    const at = toMs(receivedAt);
    const [route, provider] = this.ways.at(hot.way(slot));
    const hasAmount = hot.hasAmount(slot);
    this.taken.tally.add({
      ...{
        kind,
        provider,
        route,
        at,
        dispatchedAt: hot.dispatchedAt(slot, at),
        due: toMs(hot.deadline(slot)),
      },
      ...{
        amount: hasAmount ? hot.amount(slot) : 0,
        currency: hasAmount ? letters(hot.currency(slot)) : null,
      },
    });
  }

  /** A success; `amount`: what the provider says it moved, -1: it does not say. */
  returned(slot: number, offset: number, receivedAt: number, amount: number, currency: number): boolean {
    const { hot } = this;
    if (hot.has(slot, isInTime) || receivedAt > hot.deadline(slot)) return false;
    if (amount >= 0 && hot.hasAmount(slot) && !hot.isAmount(slot, amount, currency)) return false;
    if (!this.followed(slot, offset)) return false;
    if (hot.dispatched(slot) !== 0) this.#count('returned', slot, receivedAt);
    hot.returnInTime(slot);
    this.taken.inTime += 1;
    return true;
  }

  settled(slot: number): boolean {
    if (!this.hot.has(slot, isInTime)) return false;
    this.hot.remove(slot);
    return true;
  }

  /** What is known of a slip whose events lie below `offset`. */
  left(slot: number, offset: number): Left {
    const { hot } = this;
    const policy = hot.has(slot, isWarned | isLate) ? this.#policy(slot) : null;
    const stage = policy && this.#stage(slot, policy);
    const late = stage && ({ stage, point: hot.has(slot, isLate) ? 'act' : 'warn' } as const);
    return { offsets: hot.offsets(slot, offset), late };
  }

  /** The slip is looked at, from `offset` on. */
  leave(slot: number, offset: number): void {
    const slipId = this.idAt(slot);
    this.taken.left.set(slipId, this.left(slot, offset));
    this.taken.departures.push({ partition: this.partition, offset, slipId });
    this.hot.remove(slot);
  }

  /** Those without an event for the longest leave, at most so many: others find room. */
  leaveColdest(slipsMax: number, offset: number): void {
    for (const slot of this.hot.coldest(offset, slipsMax)) {
      this.taken.cold.push(this.idAt(slot));
      this.leave(slot, offset);
    }
  }

  find(slipId: string): number {
    const id = new Uint32Array(idWords);
    return idOf(slipId, id) ? this.hot.find(id) : -1;
  }

  idAt(slot: number): string {
    const id = new Uint32Array(idWords);
    this.hot.id(slot, id);
    return idText(id);
  }

  /** Slots that can be judged, the earliest first: those without an answer about their hold up to `holdsThrough` only. */
  due(through: number, holdsThrough: number, slotsMax: number): number[] {
    const { hot } = this;
    const waiting = hot.dueIn(hot.unheld, Math.min(through, holdsThrough), slotsMax);
    const all = [...hot.dueIn(hot.held, through, slotsMax), ...waiting];
    return all.sort((a, b) => hot.due(a) - hot.due(b)).slice(0, slotsMax);
  }

  /** Whether something is due but waits for an answer about its hold. Asked when what can be judged was judged. */
  awaitsHold(through: number, holdsThrough: number): boolean {
    const { first } = this.hot.unheld;
    return first >= 0 && this.hot.due(first) <= through && this.hot.due(first) > holdsThrough;
  }

  /** When the earliest is due; Infinity: none is. */
  get earliestDue(): number {
    const { held, unheld } = this.hot;
    const at = (slot: number) => (slot < 0 ? Number.POSITIVE_INFINITY : this.hot.due(slot));
    return Math.min(at(held.first), at(unheld.first));
  }

  /**
   * Whether the earliest deadline is about to pass, or just did, where time (microseconds) stands there: what is read now
   * decides when it is judged. While old records are read deadlines lie far behind, and no few milliseconds matter.
   */
  isDueAround(time: number): boolean {
    const { earliestDue } = this;
    return earliestDue <= time + soonMs * 1_000 && earliestDue > time - justMs * 1_000;
  }

  /**
   * Those under way at `now` (milliseconds) for longer than usual on their way, whose deadline has not passed and of which
   * that was not said; at most so many. `usualMs`: null where nobody knows.
   */
  slow(now: number, usualMs: (way: Way) => number | null, slipsMax: number): SlowSlip[] {
    const { hot } = this;
    const usual = this.ways.all().map(usualMs);
    const found: SlowSlip[] = [];
    if (usual.every((ms) => ms === null)) return found;
    for (const slot of hot.slots()) {
      const ms = hot.dispatched(slot) === 0 ? null : usual[hot.way(slot) - 1]!;
      if (ms === null || hot.has(slot, isInTime | isSlow)) continue;
      const dispatchedAt = hot.dispatchedAt(slot, now);
      if (now - dispatchedAt <= ms || now * 1_000 >= hot.deadline(slot)) continue;
      const [route, provider] = this.ways.at(hot.way(slot));
      const deadline = hot.deadline(slot);
      found.push({ slipId: this.idAt(slot), provider, route, dispatchedAt, usualMs: ms, deadline });
      if (found.length === slipsMax) break;
    }
    return found;
  }

  /** It was said of them; those that have left meanwhile are rows. */
  saidSlow(slipIds: readonly string[]): void {
    for (const slipId of slipIds) {
      const slot = this.find(slipId);
      if (slot >= 0) this.hot.mark(slot, isSlow);
    }
  }

  /**
   * Those whose present stage takes too long, and of which that was not said; at most so many. `now`: up to when all was read that ends a
   * stage, `holdsNow`: of the ledger (milliseconds). Once its deadline has passed a slip is overdue, and no stage of it is late.
   */
  lateStages(now: number, holdsNow: number, judge: StageJudge, slipsMax: number): LateStage[] {
    const found: LateStage[] = [];
    if (this.stages.all().length === 0) return found;
    const { hot } = this;
    for (const slot of hot.slots()) {
      const late = this.#lateStage(slot, now, holdsNow, judge);
      if (late !== null && found.push(late) === slipsMax) break;
    }
    return found;
  }

  #lateStage(slot: number, now: number, holdsNow: number, judge: StageJudge): LateStage | null {
    const { hot } = this;
    const policy = this.#policy(slot);
    const stage = policy && this.#stage(slot, policy);
    const limits = stage && policy[stage];
    if (!stage || !limits || hot.has(slot, isLate)) return null;
    const readTo = stage === 'submitted' ? Math.min(now, holdsNow) : now;
    if (readTo * 1_000 >= hot.deadline(slot)) return null;
    const since = hot.sinceAt(slot, readTo);
    const point = judge(stage, limits, since, readTo);
    if (point === null || (point === 'warn' && hot.has(slot, isWarned))) return null;
    const limitMs = point === 'act' ? limits.actMs : limits.warnMs;
    const provider = this.ways.at(hot.way(slot))[1];
    return { slipId: this.idAt(slot), stage, point, since, limitMs, provider };
  }

  /** null: it has returned. */
  #stage(slot: number, policy: StagePolicy): Stage | null {
    const { hot } = this;
    if (hot.has(slot, isInTime)) return null;
    if (hot.has(slot, isHeard)) return 'returned';
    if (policy.review) return 'review';
    if (hot.has(slot, isSent)) return 'dispatching';
    return hot.has(slot, isHeld) ? 'held' : 'submitted';
  }

  /** It was said of a stage; that it is over by now needs no word. */
  saidLate(slot: number, stage: Stage, point: StagePoint): void {
    const policy = this.#policy(slot);
    if (policy === null || this.#stage(slot, policy) !== stage) return;
    this.hot.mark(slot, point === 'act' ? isLate | isWarned : isWarned);
  }

  /** What has no verdict. */
  atRisk(): AtRisk {
    const { hot } = this;
    const money = new Map<number, bigint>();
    let slips = 0;
    for (const slot of hot.slots()) {
      if (hot.has(slot, isInTime)) continue;
      slips += 1;
      if (!hot.hasAmount(slot)) continue;
      const currency = hot.currency(slot);
      money.set(currency, (money.get(currency) ?? 0n) + BigInt(hot.amount(slot)));
    }
    return {
      slips,
      money: [...money].map(([currency, amount]) => ({ amount, currency: letters(currency) })),
    };
  }

  /** Gives what was taken, and begins anew. */
  take(): Taken {
    const { taken } = this;
    this.taken = new Taken();
    return taken;
  }

  snapshot(offset: number, sequences: Snapshot['sequences']): Snapshot {
    this.snapshotAt = offset;
    return {
      offset,
      sequences,
      slips: this.hot.size,
      chunks: toChunks(this.hot),
      format: formatOf(this.stages.all()),
      ways: this.ways.all(),
      stages: this.stages.all(),
    };
  }
}

function toMs(micros: number): number {
  return Math.floor(micros / 1_000);
}

function letters(currency: number): string {
  return String.fromCharCode(currency >> 16, (currency >> 8) & 255, currency & 255);
}
