import type { SlipEvent } from '@slipstream/slip';
import type { LogRecord } from '../../domain/log/follow.ts';

type Submitted = Extract<SlipEvent, { type: 'SlipSubmitted' }>;
type Policy = Submitted['data']['policy'];

/** Of each kind; a route has one policy, until its rules change. */
const sharedMax = 1_000;

/**
 * Gives slips that say the same in the same words one copy of it: each is kept as long as the slip is under way, and a policy alone is an
 * eighth of what is kept of one.
 */
export class SharedTerms {
  readonly #policies = new Map<string, Policy>();
  readonly #words = new Map<string, string>();

  /** The same record. */
  of(record: LogRecord): LogRecord {
    const { recorded } = record;
    if (recorded?.event.type !== 'SlipSubmitted') return record;
    const { type, data } = recorded.event;
    const shared: Submitted['data'] = {
      ...data,
      caller: this.#word(data.caller),
      counterparty: this.#word(data.counterparty),
      route: this.#word(data.route),
      provider: data.provider === null ? null : this.#word(data.provider),
      policy: kept(this.#policies, JSON.stringify(data.policy), data.policy),
    };
    return { ...record, recorded: { ...recorded, event: { type, data: shared } } };
  }

  #word(word: string): string {
    return kept(this.#words, word, word);
  }
}

function kept<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size === sharedMax) known.clear();
  known.set(key, value);
  return value;
}
