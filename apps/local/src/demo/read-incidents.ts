import type { Stack } from '../stack/stack.ts';
import type { ShownIncident, ToldTruth } from './outage.ts';
import { readList } from './read-list.ts';

type Incident = Omit<ShownIncident, 'slips'> & {
  readonly opened_at: string;
  readonly merged_into: string | null;
};

/** The incidents that were opened since then, each with its list; one that turned out to be of another is that one. */
export async function readIncidents({ env }: Stack, since: string): Promise<ShownIncident[]> {
  const at = (path: string) => new URL(path, env.RECONCILIATION_URL);
  const all = await readList<Incident>(at('/v1/incidents'), env.TOKEN_OPS!);
  const ours = all.filter(
    (one) => one.merged_into === null && Date.parse(one.opened_at) >= Date.parse(since),
  );
  return Promise.all(
    ours.map(async (one) => {
      const slips = await readList<{ slip_id: string }>(at(`/v1/incidents/${one.id}/slips`), env.TOKEN_OPS!);
      return { ...one, slips: slips.map(({ slip_id }) => slip_id) };
    }),
  );
}

export async function readTruth(simulatorUrl: string): Promise<ToldTruth[]> {
  const answer = await fetch(new URL('/v1/truth', simulatorUrl), { signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to GET /v1/truth`);
  return ((await answer.json()) as { data: ToldTruth[] }).data;
}
