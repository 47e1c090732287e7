import type { Choice, Chosen, Dispatch } from '../dispatch/state.ts';

/** A provider of a route. Of those that can be called the lowest `priority` is, and among equals each by its `weight`. */
export interface Candidate {
  readonly id: string;
  readonly priority: number;
  readonly weight: number;
}

/** Why a provider is not to be called now. */
export type Obstacle = 'disabled' | 'unhealthy' | 'not_configured';

export interface Circumstances {
  readonly candidates: readonly Candidate[];
  /** What speaks against a provider; null: nothing. */
  readonly obstacle: (provider: string) => Obstacle | null;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * Who is called next; null: of the route's providers nobody but the one that the row names, or none at all. A provider
 * that may have been sent the slip is not called again, also when it was proved that it did not execute it; one that was
 * provably not sent it comes after those that were not tried.
 */
export function choose(dispatch: Dispatch, { candidates, obstacle, random }: Circumstances): Chosen | null {
  if (candidates.length < 2) return null;
  const ends = endsByProvider(dispatch);
  const against = (id: string): Obstacle | 'not_executed' | null =>
    ends.get(id)?.maySend === false ? 'not_executed' : obstacle(id);
  const open = candidates.filter(({ id }) => against(id) === null);
  const tries = ({ id }: Candidate) => ends.get(id)?.tries ?? 0;
  const least = Math.min(...open.map(tries));
  const untried = open.filter((one) => tries(one) === least);
  const priority = Math.min(...untried.map((one) => one.priority));
  const equals = untried.filter((one) => one.priority === priority);
  const chosen = byWeight(equals, random);
  if (chosen === undefined) return null;
  const passed = candidates.filter((one) => one.id !== chosen.id && one.priority < chosen.priority);
  const why = passed.map(({ id }) => ({ id, reason: against(id) ?? ('not_sent' as const) }));
  return { provider: chosen.id, choice: explain(chosen, equals, why) };
}

interface Tried {
  readonly tries: number;
  readonly maySend: boolean;
}

function endsByProvider(dispatch: Dispatch): ReadonlyMap<string, Tried> {
  const ends = new Map<string, Tried>();
  for (const { provider, end } of dispatch.earlier) {
    const { tries, maySend } = ends.get(provider) ?? { tries: 0, maySend: true };
    ends.set(provider, { tries: tries + 1, maySend: maySend && end === 'not_sent' });
  }
  const { provider, notAfter, sentMaybe } = dispatch;
  if (provider !== null && notAfter !== null) {
    const { tries, maySend } = ends.get(provider) ?? { tries: 0, maySend: true };
    ends.set(provider, { tries: tries + 1, maySend: maySend && !sentMaybe });
  }
  return ends;
}

function byWeight(equals: readonly Candidate[], random: number): Candidate | undefined {
  const total = equals.reduce((sum, { weight }) => sum + weight, 0);
  let left = random * total;
  return equals.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
}

const sentences: Readonly<Record<Exclude<Choice['reason'], 'preferred'>, string>> = {
  not_sent: 'was provably not sent it',
  not_executed: 'provably did not execute it',
  disabled: 'is disabled',
  unhealthy: 'does not answer as it should',
  not_configured: 'is not configured',
};

function explain(
  chosen: Candidate,
  equals: readonly Candidate[],
  passed: readonly { readonly id: string; readonly reason: Exclude<Choice['reason'], 'preferred'> }[],
): Choice {
  const total = equals.reduce((sum, { weight }) => sum + weight, 0);
  const share = equals.length > 1 ? `, weight ${chosen.weight} of ${total}` : '';
  const why = passed.map(({ id, reason }) => `; ${id} ${sentences[reason]}`).join('');
  return {
    reason: passed[0]?.reason ?? 'preferred',
    detail: `Priority ${chosen.priority}${share}${why}.`,
  };
}
