import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@slipstream/kernel';
import { type Api, isPassing } from '../api.ts';
import { CliError } from '../exit.ts';
import type { ClockView } from './wait.ts';

/** Lets an import go on only as fast as the services follow it and live slips. */
export interface Pace {
  /** Called when `messages` more were sent, and the clock was advanced to `covered` behind them. */
  sent(messages: number, covered: Instant): Promise<void>;
}

/** Live slips wait behind no more than these: a second or two of what the services handle. */
const messagesInFlightMax = 4_000;
/** Where nothing tells how far the services are: a part of what the smallest stack handles. */
const blindPerSecond = 1_000;
const pollMs = 100;
/** A service that is restarted is back by then. */
const standstillMsMax = 60_000;

interface Watermarks {
  readonly clocks: readonly ClockView[];
  /** Of live slips: quiet ones are looked at every few seconds, so only blindness tells that they are late. */
  readonly detector: { readonly blind: boolean; readonly lag_ms: number; readonly by: string | null };
}

export interface PaceOptions {
  readonly clock: string;
  readonly nowMs: () => number;
  readonly messagesInFlightMax?: number;
}

/** Nobody can be asked: a rate that leaves room for others. */
export function fixedPace(nowMs: () => number): Pace {
  let freeAtMs = nowMs();
  return {
    async sent(messages) {
      freeAtMs = Math.max(freeAtMs, nowMs()) + (messages * 1_000) / blindPerSecond;
      await sleep(Math.max(freeAtMs - nowMs(), 0));
    },
  };
}

/**
 * Asks reconciliation, which hears last of everything: how far it judges the import's clock tells what is still under
 * way, and whether it sees live slips in time tells whether they suffer.
 */
export function watchedPace(reconciliation: Api, options: PaceOptions): Pace {
  const { clock, nowMs } = options;
  const inFlightMax = options.messagesInFlightMax ?? messagesInFlightMax;
  const blind = fixedPace(nowMs);
  const underWay: { readonly messages: number; readonly covered: Instant }[] = [];
  let judged: Instant | null = null;

  return {
    async sent(messages, covered) {
      // A repeated import, or many messages of one moment: how far its clock is says nothing of these.
      const isTold = (judged === null || covered > judged) && underWay.at(-1)?.covered !== covered;
      if (isTold) underWay.push({ messages, covered });
      else await blind.sent(messages, covered);
      let movedAtMs = nowMs();
      for (;;) {
        const seen = await look(movedAtMs);
        if (seen) {
          const through = seen.clocks.find((view) => view.clock === clock)?.judged_through ?? null;
          if (through !== null && (judged === null || through > judged)) {
            judged = through;
            movedAtMs = nowMs();
          }
          while (judged !== null && underWay[0] && underWay[0].covered <= judged) underWay.shift();
          const inFlight = underWay.reduce((sum, chunk) => sum + chunk.messages, 0);
          if (inFlight <= inFlightMax && !seen.detector.blind) return;
          if (nowMs() - movedAtMs > standstillMsMax) throw standstill(inFlight, seen.detector);
        }
        await sleep(pollMs);
      }
    },
  };

  /** null: it gave no answer this time. */
  async function look(movedAtMs: number): Promise<Watermarks | null> {
    try {
      return await reconciliation.get<Watermarks>('v1/watermarks');
    } catch (error) {
      if (!isPassing(error) || nowMs() - movedAtMs > standstillMsMax) throw error;
      return null;
    }
  }

  function standstill(inFlight: number, { blind, lag_ms, by }: Watermarks['detector']): CliError {
    const what = blind
      ? `live slips are judged ${Math.round(lag_ms)} ms late${by === null ? '' : ` because of ${by}`}`
      : `${inFlight} messages of clock ${clock} are not handled`;
    const goesOn = 'what was sent counts: the same import again goes on';
    return new CliError('timeout', `after ${standstillMsMax / 1000} s ${what}; ${goesOn}`);
  }
}
