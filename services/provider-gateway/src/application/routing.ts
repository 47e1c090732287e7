import type { Chosen, Dispatch } from '../domain/dispatch/state.ts';
import { type Candidate, choose, type Obstacle } from '../domain/route/choose.ts';
import type { Providers, Random } from './ports.ts';

/** Which provider a slip is sent to, as the routes say now: the slip was given its route, not a provider for good. */
export interface Routing {
  /** Some route has more than one provider. */
  readonly hasChoice: boolean;
  /** Who is called next; null: who the row names. `disabled`: who is not to be called. */
  choose(dispatch: Dispatch, disabled: ReadonlySet<string>): Chosen | null;
  /** The providers of a route that can be called. */
  open(route: string, disabled: ReadonlySet<string>): readonly string[];
  /** Where slips wait for a provider that is not to be called, while their route has another that is. */
  stuck(disabled: ReadonlySet<string>): readonly { readonly provider: string; readonly route: string }[];
}

export interface RoutingParts {
  /** The providers of each route; one that has been taken out of the rules leaves its slips where they are. */
  readonly routes: ReadonlyMap<string, readonly Candidate[]>;
  readonly providers: Providers;
  /** Whether calls to a provider end as they should, seen from here. */
  readonly isHealthy: (provider: string) => boolean;
  readonly random: Random;
}

export function routing({ routes, providers, isHealthy, random }: RoutingParts): Routing {
  const obstacleOf =
    (disabled: ReadonlySet<string>) =>
    (provider: string): Obstacle | null => {
      if (!providers.has(provider)) return 'not_configured';
      if (disabled.has(provider)) return 'disabled';
      return isHealthy(provider) ? null : 'unhealthy';
    };
  const choices = [...routes].filter(([, candidates]) => candidates.length > 1);
  return {
    hasChoice: choices.length > 0,
    choose(dispatch, disabled) {
      const candidates = routes.get(dispatch.route) ?? [];
      if (candidates.length < 2) return null;
      return choose(dispatch, { candidates, obstacle: obstacleOf(disabled), random: random() });
    },
    open(route, disabled) {
      const obstacle = obstacleOf(disabled);
      return (routes.get(route) ?? []).map(({ id }) => id).filter((id) => obstacle(id) === null);
    },
    stuck(disabled) {
      const obstacle = obstacleOf(disabled);
      return choices.flatMap(([route, candidates]) => {
        const closed = candidates.filter(({ id }) => obstacle(id) !== null);
        return closed.length === candidates.length ? [] : closed.map(({ id }) => ({ provider: id, route }));
      });
    },
  };
}
