import { readEnvelope, slipEventOf, sources } from '@slipstream/contracts';
import type {
  Batch,
  ConsumedRecord,
  DeadLetter,
  EventWalk,
  LogReader,
  PartitionPosition,
  Prepared,
  Span,
  UnitHandler,
  UnitWork,
} from '@slipstream/kafka';
import { type Instant, instantFromMicros, SlipstreamError } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { isLive, type RecordedEvent } from '@slipstream/slip';
import { unchanged } from '../../application/advance.ts';
import { type AtRisk, allAtRisk } from '../../application/at-risk.ts';
import { pageSizeMax, type Unit } from '../../application/ports.ts';
import type {
  HotPartition,
  LateStage,
  Left,
  SlowSlip,
  StageJudge,
  Taken,
} from '../../application/quiet/hot-partition.ts';
import { readSlips, withSlips } from '../../application/quiet/looked-at.ts';
import type { Departure, QuietStore, SlipLog, Snapshot } from '../../application/quiet/ports.ts';
import { IdList, idOf, idWords } from '../../application/quiet/slip-ids.ts';
import type { Way } from '../../application/quiet/ways.ts';
import type { Judgeable } from '../../domain/deadline/judgeable.ts';
import type { WatchedSlip } from '../../domain/watch/watched-slip.ts';
import { foldedSlot, foldQuietly } from './quiet-fold.ts';
import { recover } from './recover.ts';

/** Slips of a partition that are listed while they cannot be judged: more are counted by DetectorBlinded. */
const waitingMax = 10_000;

export interface QuietLaneParts {
  readonly store: QuietStore<Tx>;
  readonly log: SlipLog;
  readonly reader: Pick<LogReader, 'walk'>;
  unit(tx: Tx): Unit;
  foldEvents(unit: Unit, partition: number, events: readonly RecordedEvent[]): Promise<void>;
  /** The same while the database lacks events of our own: nothing is decided. `slips`: those that leave memory. */
  foldBack(
    tx: Tx,
    slips: ReadonlyMap<string, WatchedSlip>,
    partition: number,
    events: readonly RecordedEvent[],
  ): Promise<void>;
  onUnknownTypes(count: number): void;
  /** Up to when answers are vouched for that were not read yet; null: nobody does. */
  heard(): Instant | null;
  readonly limits?: Partial<QuietLimits>;
}

export interface QuietLimits {
  /** All that is followed in memory, over all partitions; beyond it the coldest slips become rows. */
  readonly hotBytesMax: number;
  /** Of a partition's room for slips, so much is kept free then, that new ones begin in memory. */
  readonly freeShare: number;
  /** A partition's snapshot is renewed after so many records, or as many as it has slips when those are more. */
  readonly snapshotRecords: number;
}

const limitsDefault: QuietLimits = {
  hotBytesMax: 100 * 1024 * 1024,
  freeShare: 1 / 64,
  snapshotRecords: 20_000,
};

/** Slips that leave memory in a transaction that is not a unit's. */
interface Leaving {
  readonly batch: Batch | null;
  readonly slips: Map<string, WatchedSlip>;
  readonly departures: readonly Departure[];
}

interface Open {
  readonly hot: HotPartition;
  /** Events of this unit that may lead to something, in order. */
  loud: RecordedEvent[];
  leaving: Leaving | null;
}

/**
 * Follows the slips in memory as long as nothing is to be decided about them (`domain/watch/quiet.ts`). A slip that is to
 * be looked at leaves it: its events are read from the topic again, and from then on it is a row like any other.
 */
export class QuietLane implements UnitHandler<Tx> {
  readonly #parts: QuietLaneParts;
  readonly #limits: QuietLimits;
  readonly #open = new Map<number, Open>();
  /** The last of our own numbers that a database has which is older than its log, by partition. */
  readonly #shared = new Map<number, number>();
  #mayBegin = true;

  constructor(parts: QuietLaneParts) {
    this.#parts = parts;
    this.#limits = { ...limitsDefault, ...parts.limits };
  }

  async open(position: PartitionPosition): Promise<void> {
    const { store, reader } = this.#parts;
    const { partition, epoch } = position;
    const nextOffset = Math.max(position.nextOffset, 0);
    const recovered = await store.recover(partition, epoch, nextOffset);
    const hot = await recover(reader, { ...position, nextOffset }, recovered);
    this.#open.set(partition, { hot, loud: [], leaving: null });
  }

  close(partition: number): void {
    this.#open.delete(partition);
  }

  begin(): void {
    this.#mayBegin = this.bytes < this.#limits.hotBytesMax;
  }

  /** What is followed in memory takes so much of it. */
  get bytes(): number {
    let bytes = 0;
    for (const { hot } of this.#open.values()) bytes += hot.hot.bytes;
    return bytes;
  }

  /** Slips that are followed in memory. */
  get slips(): number {
    let slips = 0;
    for (const { hot } of this.#open.values()) slips += hot.hot.size;
    return slips;
  }

  /** As {@link HotPartition.slow}, of a partition. */
  slow(partition: number, now: number, usualMs: (way: Way) => number | null, slipsMax: number): SlowSlip[] {
    return this.#open.get(partition)?.hot.slow(now, usualMs, slipsMax) ?? [];
  }

  saidSlow(partition: number, slipIds: readonly string[]): void {
    this.#open.get(partition)?.hot.saidSlow(slipIds);
  }

  /** As {@link HotPartition.lateStages}, of a partition. */
  lateStages(
    partition: number,
    now: number,
    holdsNow: number,
    judge: StageJudge,
    slipsMax: number,
  ): LateStage[] {
    return this.#open.get(partition)?.hot.lateStages(now, holdsNow, judge, slipsMax) ?? [];
  }

  /** It was said of them; those that have left meanwhile are rows. */
  saidLate(partition: number, stages: readonly LateStage[]): void {
    const hot = this.#open.get(partition)?.hot;
    for (const { slipId, stage, point } of stages) {
      const slot = hot?.find(slipId) ?? -1;
      if (slot >= 0) hot!.saidLate(slot, stage, point);
    }
  }

  /** What has no verdict. */
  atRisk(): AtRisk {
    return allAtRisk([...this.#open.values()].map(({ hot }) => hot.atRisk()));
  }

  /** Those whose deadline has passed at a time, whatever holds their verdict up; at most so many of each partition. */
  waiting(through: Instant): { readonly slipId: string; readonly deadline: Instant }[] {
    const micros = toMicros(through);
    return [...this.#open.values()].flatMap(({ hot }) =>
      hot.due(micros, micros, waitingMax).map((slot) => ({
        slipId: hot.idAt(slot),
        deadline: instantFromMicros(BigInt(hot.hot.deadline(slot))),
      })),
    );
  }

  take(partition: number, event: EventWalk): boolean {
    // Our own were folded when they were decided.
    if (event.source === sources.reconciliation) return true;
    return this.#take(partition, event);
  }

  #take(partition: number, event: EventWalk): boolean {
    const open = this.#open.get(partition)!;
    // Arrays keep their size when slips have left: what is free in them costs nothing more.
    switch (foldQuietly(event, open.hot, this.#mayBegin || !open.hot.hot.isFull)) {
      case 'quiet':
        return true;
      case 'unknown':
        this.#parts.onUnknownTypes(1);
        return true;
      case 'loud':
        return takeLoud(open, event);
    }
  }

  /** What was folded quietly changes nothing that anybody is to hear of, unless a verdict waits for it to be read. */
  isAwaited(): boolean {
    for (const { loud } of this.#open.values()) if (loud.length > 0) return true;
    const heard = this.#parts.heard();
    if (heard === null) return false;
    const time = toMicros(heard);
    for (const { hot } of this.#open.values()) if (hot.isDueAround(time)) return true;
    return false;
  }

  /** What the partition has of our own behind this number is to be folded back. */
  lacks(partition: number, sharedSeq: number): void {
    this.#shared.set(partition, sharedSeq);
  }

  /** Whether a record is one that the database lacks, or another service's. */
  isToFoldBack(
    partition: number,
    { source, sequence }: Pick<ConsumedRecord, 'source' | 'sequence'>,
  ): boolean {
    return source !== sources.reconciliation || sequence > this.#sharedOf(partition);
  }

  #sharedOf(partition: number): number {
    const shared = this.#shared.get(partition);
    if (shared === undefined)
      throw new SlipstreamError('unavailable', 'it is not known yet what the database lacks of our own');
    return shared;
  }

  /** The same while the database lacks events of our own: they are folded, too, and nothing is decided. */
  get whileOlder(): UnitHandler<Tx> {
    return {
      // Whoever follows the partition has it open.
      open: async () => {},
      close() {},
      begin: (partition) => {
        this.#sharedOf(partition);
        this.begin();
      },
      take: (partition, event) => (this.isToFoldBack(partition, event) ? this.#take(partition, event) : true),
      isAwaited: () => this.isAwaited(),
      unit: (spans) => this.#unit(spans, (tx, ...rest) => this.#parts.foldBack(tx, ...rest)),
    };
  }

  unit(spans: readonly Span[]): UnitWork<Tx> {
    const { unit, foldEvents } = this.#parts;
    return this.#unit(spans, (tx, slips, partition, events) =>
      foldEvents(withSlips(unit(tx), slips), partition, events),
    );
  }

  #unit(spans: readonly Span[], fold: Fold): UnitWork<Tx> {
    const parts: UnitPart[] = [];
    let snapshots = 0;
    for (const span of spans) {
      const open = this.#open.get(span.position.partition);
      if (!open) throw new SlipstreamError('unavailable', 'the partition was closed meanwhile');
      const { loud } = open;
      open.loud = [];
      this.#makeRoom(open.hot, span.nextOffset);
      // One at a time: so they spread over the partitions.
      const isDue = snapshots === 0 && this.#isSnapshotDue(open.hot, span.nextOffset);
      if (isDue) snapshots++;
      const snapshot = isDue ? open.hot.snapshot(span.nextOffset, sequencesAfter(span)) : null;
      parts.push({ partition: open.hot.partition, taken: open.hot.take(), loud, snapshot });
    }
    return quietUnit(this.#parts, parts, fold);
  }

  #makeRoom(partition: HotPartition, nextOffset: number): void {
    const { size, capacity } = partition.hot;
    const free = capacity * this.#limits.freeShare;
    if (this.bytes < this.#limits.hotBytesMax || capacity - size >= free) return;
    // Twice what is needed: not every unit has to.
    partition.leaveColdest(Math.min(pageSizeMax, Math.ceil(2 * free)), nextOffset);
  }

  #isSnapshotDue({ hot, snapshotAt }: HotPartition, nextOffset: number): boolean {
    return nextOffset - snapshotAt >= Math.max(this.#limits.snapshotRecords, hot.size);
  }

  /** Those that can be judged leave memory with the transaction that judges them; `committed` must be called after it. */
  async toJudge(position: PartitionPosition, { clock, through, holdsThrough }: Judgeable): Promise<Judging> {
    const open = this.#open.get(position.partition);
    if (!open || !isLive(clock)) return nothingToJudge;
    const slots = open.hot.due(toMicros(through), toMicros(holdsThrough), pageSizeMax);
    if (slots.length === 0) return nothingToJudge;
    const offset = Math.max(position.nextOffset, 0);
    const slipIds = slots.map((slot) => open.hot.idAt(slot));
    const left = new Map(slots.map((slot, i) => [slipIds[i]!, open.hot.left(slot, offset)]));
    const slips = await readSlips(this.#parts.log, position.partition, left);
    const departures = slipIds.map((slipId) => ({ partition: position.partition, offset, slipId }));
    return {
      in: (unit, tx) => withDue(unit, tx, this.#parts.store, [...slips.values()], departures),
      committed: () => removeAll(open.hot, slipIds),
    };
  }

  hasToJudge({ partition, clock, through, holdsThrough }: Judgeable): boolean {
    const hot = isLive(clock) ? this.#open.get(partition)?.hot : undefined;
    return hot !== undefined && hot.due(toMicros(through), toMicros(holdsThrough), 1).length > 0;
  }

  awaitsHold({ partition, clock, through, holdsThrough }: Judgeable): boolean {
    const hot = isLive(clock) ? this.#open.get(partition)?.hot : undefined;
    return hot?.awaitsHold(toMicros(through), toMicros(holdsThrough)) ?? false;
  }

  /** When the earliest is due, by partition. */
  earliestDue(): Map<number, Instant | null> {
    return new Map(
      [...this.#open].map(([partition, { hot }]) => {
        const { earliestDue } = hot;
        return [partition, Number.isFinite(earliestDue) ? instantFromMicros(BigInt(earliestDue)) : null];
      }),
    );
  }

  /** Before a batch is handled by itself: its slips leave memory. */
  async prepare(
    { partition, nextOffset }: PartitionPosition,
    batch: Batch,
    letters: readonly DeadLetter[],
  ): Promise<Prepared> {
    const open = this.#open.get(partition);
    if (!open) throw new SlipstreamError('unavailable', 'the partition was closed meanwhile');
    const departures: Departure[] = [];
    const left = new Map<string, Left>();
    const read = batch.records.map((record) => ({ slipId: keyOf(record), offset: record.offset }));
    const aside = letters.map(({ parkKey, record }) => ({ slipId: parkKey ?? '', offset: record.offset }));
    for (const { slipId, offset } of [...read, ...aside]) {
      if (!idOf(slipId, new Uint32Array(idWords))) continue;
      departures.push({ partition, offset, slipId });
      const slot = open.hot.find(slipId);
      if (slot >= 0) left.set(slipId, open.hot.left(slot, Math.max(nextOffset, 0)));
    }
    const slips = await readSlips(this.#parts.log, partition, left);
    open.leaving = { batch, slips, departures };
    return {
      committed() {
        open.leaving = null;
        removeAll(open.hot, [...left.keys()]);
      },
    };
  }

  /** Handles events by themselves, in the transaction of `batch`. */
  async handle(tx: Tx, batch: Batch, events: readonly RecordedEvent[]): Promise<void> {
    const { unit, foldEvents } = this.#parts;
    await this.#handle(tx, batch, events, (slips) =>
      foldEvents(withSlips(unit(tx), slips), batch.partition, events),
    );
  }

  /** The same while the database lacks events of our own. */
  async foldBack(tx: Tx, batch: Batch, events: readonly RecordedEvent[]): Promise<void> {
    const { foldBack } = this.#parts;
    await this.#handle(tx, batch, events, (slips) => foldBack(tx, slips, batch.partition, events));
  }

  async #handle(
    tx: Tx,
    batch: Batch,
    events: readonly RecordedEvent[],
    fold: (slips: ReadonlyMap<string, WatchedSlip>) => Promise<void>,
  ): Promise<void> {
    const open = this.#open.get(batch.partition);
    const leaving = open?.leaving?.batch === batch ? open.leaving : null;
    if (!leaving && batch.records.some((record) => open && open.hot.find(keyOf(record)) >= 0))
      throw new SlipstreamError(
        'unavailable',
        'the slip is followed in memory: it is looked at when that ends',
      );
    const slips = leaving?.slips ?? new Map<string, WatchedSlip>();
    await fold(slips);
    for (const { slipId } of events) slips.delete(slipId);
    if (leaving) await this.#writeLeaving(tx, leaving);
  }

  /** Slips behind a dead letter are rows: whoever judges sees that they wait. */
  async setAside(tx: Tx, partition: number): Promise<void> {
    const leaving = this.#open.get(partition)?.leaving;
    if (leaving) await this.#writeLeaving(tx, leaving);
  }

  async #writeLeaving(tx: Tx, leaving: Leaving): Promise<void> {
    const { unit, store } = this.#parts;
    if (leaving.slips.size > 0) await unit(tx).save([...leaving.slips.values()].map(unchanged));
    leaving.slips.clear();
    await store.depart(tx, leaving.departures);
  }
}

/** What is judged of the slips in memory. */
export interface Judging {
  in(unit: Unit, tx: Tx): Unit;
  committed(): void;
}

const nothingToJudge: Judging = { in: (unit) => unit, committed() {} };

function takeLoud(open: Open, event: EventWalk): boolean {
  const slot = foldedSlot;
  let recorded: RecordedEvent | null;
  try {
    recorded = slipEventOf(readEnvelope(event.value()!));
  } catch {
    // Whoever handles it by itself says what is wrong with it.
    return false;
  }
  if (recorded === null) return true;
  const { partition } = open.hot;
  if (slot >= 0) open.hot.leave(slot, event.offset);
  else if (recorded.event.type === 'SlipSubmitted' && isFollowable(recorded))
    open.hot.taken.departures.push({ partition, offset: event.offset, slipId: recorded.slipId });
  open.hot.taken.loud.add(recorded.slipId);
  open.loud.push(recorded);
  return true;
}

function isFollowable({ clock, slipId }: RecordedEvent): boolean {
  return isLive(clock) && idOf(slipId, new Uint32Array(idWords));
}

interface UnitPart {
  readonly partition: number;
  readonly taken: Taken;
  readonly loud: readonly RecordedEvent[];
  readonly snapshot: Snapshot | null;
}

/** A slip that a unit began in memory has a row already: its events must be handled where rows are looked at. */
class BegunTwice extends Error {
  override readonly name = 'BegunTwice';
}

type Fold = QuietLaneParts['foldBack'];

function quietUnit(
  { store, log, unit }: QuietLaneParts,
  parts: readonly UnitPart[],
  fold: Fold,
): UnitWork<Tx> {
  const slips = new Map<number, Map<string, WatchedSlip>>();
  return {
    async prepare() {
      for (const { partition, taken } of parts)
        slips.set(partition, await readSlips(log, partition, taken.left));
    },
    async write(tx) {
      const known = await store.known(
        tx,
        parts.map(({ taken }) => taken.begun),
      );
      if (known.length > 0) throw new BegunTwice(`slip ${known[0]} was submitted twice`);
      for (const { partition, taken, loud } of parts) {
        const left = slips.get(partition)!;
        if (loud.length > 0) await fold(tx, left, partition, loud);
        const cold = taken.cold.map((slipId) => unchanged(left.get(slipId)!));
        if (cold.length > 0) await unit(tx).save(cold);
      }
      await store.count(
        tx,
        parts.map(({ partition, taken }) => ({ partition, slips: taken.slips, inTime: taken.inTime })),
      );
      store.noteReturns(
        tx,
        parts.map(({ taken }) => taken.tally.steps()),
      );
      const departures = parts.flatMap(({ taken }) => taken.departures);
      if (departures.length > 0) await store.depart(tx, departures);
      for (const { partition, snapshot } of parts) if (snapshot) await store.write(tx, partition, snapshot);
    },
  };
}

/** The page of rows to be judged, and before them those in memory. */
function withDue(
  unit: Unit,
  tx: Tx,
  store: QuietStore<Tx>,
  due: readonly WatchedSlip[],
  departures: readonly Departure[],
): Unit {
  return {
    ...unit,
    async toJudge(range) {
      const page = await unit.toJudge(range);
      await store.depart(tx, departures);
      const now = page.slips.length > 0 ? page.now : await store.now(tx);
      // Where the answer to a commit was lost, one may be a row already.
      const rows = new Set(await store.known(tx, [IdList.of(due.map(({ state }) => state.slipId))]));
      return { now, slips: [...due.filter(({ state }) => !rows.has(state.slipId)), ...page.slips] };
    },
  };
}

function sequencesAfter(span: Span): Map<string, number> {
  return new Map([...span.after().sources].map(([source, { sequence }]) => [source, sequence]));
}

function removeAll(hot: HotPartition, slipIds: readonly string[]): void {
  for (const slipId of slipIds) {
    const slot = hot.find(slipId);
    if (slot >= 0) hot.hot.remove(slot);
  }
}

function keyOf({ key }: ConsumedRecord): string {
  return key?.toString() ?? '';
}

function toMicros(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 19)}Z`) * 1_000 + Number(instant.slice(20, 26));
}
