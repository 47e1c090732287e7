import type { Topic } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import type { Health } from './health.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Why nothing goes on at a place: the database is older than its log, the log lost what it had, or they never belonged together. */
export interface Closed {
  readonly kind: 'older' | 'log_lost' | 'another_log';
  readonly why: string;
}

type State = { readonly kind: 'unknown' | 'open' } | Closed;

const unknown: State = { kind: 'unknown' };
const open: State = { kind: 'open' };

/**
 * Stands between a service and its work: a partition is open once its database was found as new as its own log
 * (rule 4). While one is not, nothing is decided or sent on it.
 */
export class OwnLogGate {
  readonly #topics: readonly Topic[];
  readonly #guarded: ReadonlySet<string>;
  readonly #states = new Map<string, State>();
  readonly #listeners: (() => void)[] = [];
  #doubts = 0;

  /** @param topics whose records carry this service's numbers; any other is always open */
  constructor(topics: readonly Topic[]) {
    this.#topics = topics;
    this.#guarded = new Set(topics.map(({ name }) => name));
    this.doubt();
  }

  /** The database may be another one now: nothing goes on before it was compared. */
  doubt(): void {
    this.#doubts += 1;
    for (const place of this.#places()) this.#states.set(keyOf(place), unknown);
    for (const listener of this.#listeners) listener();
  }

  /** Calls back whenever everything was closed again. */
  onDoubt(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Grows with each doubt: what was read before the last one counts for nothing. */
  get doubts(): number {
    return this.#doubts;
  }

  open(place: Place): void {
    this.#states.set(keyOf(place), open);
  }

  /** @returns false when it was closed for the same reason before */
  close(place: Place, state: Closed): boolean {
    const known = this.#states.get(keyOf(place));
    this.#states.set(keyOf(place), state);
    return !(known && 'why' in known && known.why === state.why);
  }

  isOpen(topic: string, partition: number): boolean {
    return !this.#guarded.has(topic) || this.#states.get(keyOf({ topic, partition }))?.kind === 'open';
  }

  get isAllOpen(): boolean {
    for (const state of this.#states.values()) if (state.kind !== 'open') return false;
    return true;
  }

  /** Whether the database lacks events of its own that this partition has. */
  isOlder(topic: string, partition: number): boolean {
    return this.#states.get(keyOf({ topic, partition }))?.kind === 'older';
  }

  /** Whether all that was ever committed about this topic is known here: each partition was compared, and none is older. */
  isWhole(topic: string): boolean {
    return this.#places().every((place) => {
      const kind = this.#states.get(keyOf(place))?.kind;
      return place.topic !== topic || (kind !== 'unknown' && kind !== 'older');
    });
  }

  /** Whether each partition of this topic was compared. */
  isCompared(topic: string): boolean {
    return this.#places().every(
      (place) => place.topic !== topic || this.#states.get(keyOf(place))?.kind !== 'unknown',
    );
  }

  /** @throws SlipstreamError unavailable, unless work on this partition may go on */
  require(topic: string, partition: number): void {
    if (!this.isOpen(topic, partition)) throw closedAt({ topic, partition });
  }

  /** @throws SlipstreamError unavailable, unless work may go on everywhere */
  requireAll(): void {
    const [first] = this.closed();
    if (first) throw closedAt(first);
  }

  closed(): Place[] {
    return this.#places().filter(({ topic, partition }) => !this.isOpen(topic, partition));
  }

  health(): Health {
    if (this.isAllOpen) return { ok: true };
    const whys = this.closed().flatMap((place) => {
      const state = this.#states.get(keyOf(place))!;
      return 'why' in state ? [`${place.topic} partition ${place.partition}: ${state.why}`] : [];
    });
    const [first] = whys;
    if (first === undefined) return { ok: false, detail: 'the database is being compared with its own log' };
    const more = whys.length > 1 ? `; and ${whys.length - 1} more partition(s)` : '';
    return { ok: false, detail: `${first}${more}` };
  }

  #places(): Place[] {
    return this.#topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
    );
  }
}

function keyOf({ topic, partition }: Place): string {
  return `${topic} ${partition}`;
}

function closedAt({ topic, partition }: Place): SlipstreamError {
  return new SlipstreamError(
    'unavailable',
    `The service does not know whether its database is as new as its log (${topic} partition ${partition}); /readyz says more.`,
  );
}
