import { isUuid } from '@slipstream/kernel';
import { type Api, ApiError } from '../api.ts';
import { CliError } from '../exit.ts';
import type { EventView, SlipView } from './views.ts';

/**
 * The slip with this id, or else with this reference on `clock` (null: the wall clock). @throws CliError bad: there
 * is none; usage: several callers use the reference
 */
export async function findSlip(ledger: Api, name: string, clock: string | null): Promise<SlipView> {
  if (isUuid(name)) {
    try {
      return await ledger.get<SlipView>(`v1/slips/${name}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
  const query = { reference: name, clock: clock ?? undefined };
  const { data } = await ledger.get<{ data: SlipView[] }>('v1/slips', query);
  if (data.length > 1) {
    const ids = data.map(({ id, status }) => `${id} (${status})`).join(', ');
    throw new CliError(
      'usage',
      `${data.length} slips have the reference ${name}, name one by its id: ${ids}`,
    );
  }
  if (data[0]) return data[0];
  const where = clock === null ? 'the wall clock; --clock NAME looks at an import' : `the clock ${clock}`;
  throw new CliError('bad', `there is no slip with the id or reference ${name} on ${where}`);
}

export async function eventsOf(ledger: Api, slipId: string): Promise<EventView[]> {
  const events: EventView[] = [];
  for await (const page of ledger.pages<EventView>(`v1/slips/${slipId}/events`, { page_size: '1000' })) {
    events.push(...page);
  }
  return events;
}
