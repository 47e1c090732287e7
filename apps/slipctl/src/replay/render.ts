import { showTime } from '../output/show-time.ts';
import type { Preview } from './count.ts';
import type { Replayed } from './run-replay.ts';

export function previewJson({ byType, ...rest }: Preview) {
  return { ...rest, by_type: byType };
}

export function previewText({ read, records, slips, bytes, first, last, byType }: Preview): string {
  const when = first === null || last === null ? '' : `, from ${showTime(first)} to ${showTime(last)}`;
  const lines = byType.map(({ type, records: count }) => `${String(count).padStart(10)}  ${type}`);
  return [...lines, `${records} of ${read} records, of ${slips} slips, ${bytes} bytes${when}`].join('\n');
}

const perSecond = ({ read, seconds }: Replayed) => Math.round(read / Math.max(seconds, 0.001));

export function summaryJson(of: Replayed) {
  const { done, replayed, read, seconds } = of;
  return { done, replayed, read, seconds: Number(seconds.toFixed(3)), read_per_second: perSecond(of) };
}

export function summaryText(of: Replayed, canResume: boolean): string {
  const { done, replayed, read, seconds } = of;
  const rate = `${read} records read in ${seconds.toFixed(1)} s (${perSecond(of)}/s)`;
  if (done) return `${replayed} events replayed; ${rate}`;
  return `interrupted after ${replayed} events; ${rate}${canResume ? '; --resume goes on' : ''}`;
}
