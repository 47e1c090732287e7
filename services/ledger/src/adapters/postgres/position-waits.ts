import { topics } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import { consumerGroup } from '../../application/consumer-group.ts';
import type { LogPosition } from '../../application/queries.ts';

interface Wait {
  readonly position: LogPosition;
  readonly resolve: (reached: boolean) => void;
  readonly reject: (error: unknown) => void;
  readonly untilMs: number;
}

/** Numbers of a source have no jumps, so a later one says that the one asked for was handled. */
const reachedSql = `
select w.n::int as n from unnest($1::text[], $2::int[], $3::bigint[]) with ordinality as w(source, partition, number, n)
where case when w.source is null
  then exists (select from event_log e where e.partition = w.partition and e.kafka_offset >= w.number)
  else exists (select from consumer_sequence c where c.consumer_group = '${consumerGroup}' and c.topic = '${topics.events.name}'
    and c.partition = w.partition and c.source = w.source and c.seq >= w.number)
end`;

const pollMs = 20;
const timeoutMs = 5_000;
const waitingMax = 1_000;

/**
 * Lets readers wait until the log has what they wrote. One query serves all who wait, also for partitions that
 * another instance handles; while nobody waits nothing is asked.
 */
export class PositionWaits {
  readonly #unitOfWork: UnitOfWork;
  #waits: Wait[] = [];
  #polling = false;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  /** True once reached, false after 5 s. @throws SlipstreamError overloaded */
  readonly wait = (position: LogPosition): Promise<boolean> => {
    if (this.#waits.length >= waitingMax) {
      throw new SlipstreamError('overloaded', 'Too many requests are waiting for a position.');
    }
    return new Promise((resolve, reject) => {
      this.#waits.push({ position, resolve, reject, untilMs: performance.now() + timeoutMs });
      if (!this.#polling) void this.#poll();
    });
  };

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#waits.length > 0) {
      await this.#ask();
      if (this.#waits.length > 0) await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    this.#polling = false;
  }

  async #ask(): Promise<void> {
    const asked = [...this.#waits];
    const ended = new Set<Wait>();
    try {
      const rows = await this.#unitOfWork.query<{ n: number }>(reachedSql, [
        asked.map(({ position }) => position.source),
        asked.map(({ position }) => position.partition),
        asked.map(({ position }) => position.number),
      ]);
      for (const { n } of rows) end(asked[n - 1]!, ended, true);
      const now = performance.now();
      for (const wait of asked) if (!ended.has(wait) && wait.untilMs <= now) end(wait, ended, false);
    } catch (error) {
      for (const wait of asked) {
        ended.add(wait);
        wait.reject(error);
      }
    }
    this.#waits = this.#waits.filter((wait) => !ended.has(wait));
  }
}

function end(wait: Wait, ended: Set<Wait>, reached: boolean): void {
  ended.add(wait);
  wait.resolve(reached);
}
