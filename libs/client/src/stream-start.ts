import type { StartAt } from '@slipstream/kafka';
import { instantToMs, SlipstreamError } from '@slipstream/kernel';
import { isPlain } from './plain.ts';
import { instantOf, type Time } from './time.ts';

/**
 * Where a stream begins: at the first event of all, with what comes from now on, with what was logged at a time or later, or
 * at an offset for each partition, as `EventBatch.next` told it (a partition that is not named begins at its first event).
 */
export type StreamStart =
  | 'beginning'
  | 'now'
  | { readonly time: Time }
  | { readonly offsets: Readonly<Record<number, number>> };

/** @throws SlipstreamError validation_failed for a start that is none */
export function startAtOf(from: StreamStart, group: string | undefined): StartAt | undefined {
  if (typeof from === 'string') {
    if (from === 'beginning' || from === 'now') return undefined;
    throw noStart(`must be beginning, now, a time or offsets, not ${from}`);
  }
  // Programs in plain JavaScript hand over anything.
  if (typeof from !== 'object' || from === null || !('time' in from || isPlain(from.offsets))) {
    throw noStart(`must be beginning, now, a time or offsets, not ${JSON.stringify(from)}`);
  }
  if (group !== undefined) {
    throw noStart(
      'a group goes on where it stopped: from a time or from offsets reads a stream without a group',
    );
  }
  if ('time' in from) return { timeMs: instantToMs(instantOf('from/time', from.time)) };
  const offsets = Object.entries(from.offsets).map(([name, offset]) => [Number(name), offset] as const);
  const wrong = offsets.flat().find((number) => !Number.isSafeInteger(number) || number < 0);
  if (wrong !== undefined) throw noStart(`partitions and offsets are whole numbers from 0 on, not ${wrong}`);
  return { offsets: new Map(offsets) };
}

function noStart(detail: string): SlipstreamError {
  return new SlipstreamError('validation_failed', `the stream is not begun: ${detail}`, {
    errors: [{ pointer: '/from', detail }],
  });
}
