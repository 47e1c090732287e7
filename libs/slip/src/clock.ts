import { type Instant, wallClock } from '@slipstream/kernel';
import type { RecordedEvent } from './events.ts';

/** Whether what is on this clock happens now. On an import's clock it has happened already: nothing is sent or asked. */
export function isLive(clock: string): boolean {
  return clock === wallClock;
}

/** When one of our own steps happened, on the slip's clock: on an imported one only the importer's time means anything. */
export function timeOn({ clock, time, receivedTime }: Times): Instant {
  return isLive(clock) ? time : receivedTime;
}

type Times = Pick<RecordedEvent, 'clock' | 'time' | 'receivedTime'>;
