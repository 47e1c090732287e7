import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addMs, type Instant, type SeededRandom, seededRandom } from '@slipstream/kernel';

/** What an import is to say of a row. */
export type Verdict = 'returned_on_time' | 'returned_late' | 'not_returned';

/** Before the first order of any drill, and behind the last deadline. */
export const ordersFrom: Instant = '2026-01-01T00:00:00.000000Z';
const ordersUntil = '2026-06-01T00:00:00Z';

export const referenceOf = (n: number): string => `drill-${n}`;
/** @returns NaN for a reference of nobody's */
export const numberOf = (reference: string): number =>
  reference.startsWith('drill-') ? Number(reference.slice('drill-'.length)) : Number.NaN;

const rowsPerWrite = 10_000;
const deadlineMinutes = 60;

const mapping = `layout: wide
time_format: ISO
reference: ref
account: payer
counterparty: { value: shop }
submitted: sent
acknowledged: taken
returned: [{ column: done, outcome: succeeded }]
deadline: { after: 1h }
`;

/**
 * Orders for `slipctl import`, as `orders.csv` and `mapping.yaml` in a folder: most came back in time, some too late, some never.
 * @param sentAt when each was sent, not before `ordersFrom`
 * @returns by row, what is to be said of it
 */
export async function writeOrders(
  folder: string,
  { rows, seed }: { readonly rows: number; readonly seed: number },
  sentAt: (n: number, random: SeededRandom) => Instant,
): Promise<readonly Verdict[]> {
  const random = seededRandom(seed);
  const verdicts: Verdict[] = [];
  const order = (n: number): string => {
    const sent = sentAt(n, random);
    const fate = random.next();
    const minutes =
      fate < 0.9 ? random.integer(1, deadlineMinutes) : random.integer(deadlineMinutes + 1, 600);
    const isSilent = fate >= 0.95;
    verdicts.push(
      isSilent ? 'not_returned' : minutes <= deadlineMinutes ? 'returned_on_time' : 'returned_late',
    );
    const done = isSilent ? '' : addMs(sent, minutes * 60_000);
    return `${referenceOf(n)},payer-${n % 1_000},${sent},${addMs(sent, 1_000)},${done}\n`;
  };
  const file = await open(join(folder, 'orders.csv'), 'w');
  try {
    await file.write('ref,payer,sent,taken,done\n');
    for (let from = 0; from < rows; from += rowsPerWrite) {
      const count = Math.min(rowsPerWrite, rows - from);
      await file.write(Array.from({ length: count }, (_, n) => order(from + n)).join(''));
    }
  } finally {
    await file.close();
  }
  await writeFile(join(folder, 'mapping.yaml'), mapping);
  return verdicts;
}

/** How `slipctl` brings in what {@link writeOrders} wrote into the folder, on a clock of this name. */
export function importArguments(folder: string, clock: string): string[] {
  return [
    ...['import', join(folder, 'orders.csv'), '--mapping', join(folder, 'mapping.yaml')],
    ...['--until', ordersUntil, '--clock', clock],
  ];
}
