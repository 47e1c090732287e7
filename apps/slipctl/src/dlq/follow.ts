import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../exit.ts';
import type { Terminal } from '../output/terminal.ts';
import type { NamedService } from '../services.ts';
import type { RedriveView } from './views.ts';

const pollMs = 300;

export interface FollowOptions {
  readonly terminal: Terminal;
  readonly nowMs: () => number;
  /** Longest time for all of them. */
  readonly timeoutMs: number;
}

/** Waits until the services have looked at everything that was asked for. @throws CliError (timeout) */
export async function followRedrives(
  asked: readonly { readonly service: NamedService; readonly id: string; readonly letters: number }[],
  { terminal, nowMs, timeoutMs }: FollowOptions,
): Promise<(RedriveView & { readonly service: string })[]> {
  const total = asked.reduce((sum, { letters }) => sum + letters, 0);
  const progress = terminal.progress('redriving');
  const endsAtMs = nowMs() + timeoutMs;
  try {
    for (;;) {
      const views = await Promise.all(
        asked.map(async ({ service, id }) => ({
          ...(await service.api.get<RedriveView>(`v1/redrives/${id}`)),
          service: service.name,
        })),
      );
      progress.update(
        views.reduce((sum, { redriven, failed }) => sum + redriven + failed, 0),
        total,
        'letters',
      );
      if (views.every(({ waiting }) => waiting === 0)) return views;
      if (nowMs() >= endsAtMs) {
        const waiting = views.filter((view) => view.waiting > 0).map(({ service, id }) => `${service} ${id}`);
        throw new CliError('timeout', `not done yet, and going on: ${waiting.join(', ')}`);
      }
      await sleep(pollMs);
    }
  } finally {
    progress.stop();
  }
}
