import { showTime } from '../output/show-time.ts';

/** What reconciliation says of its detector. */
export interface SightView {
  readonly blind: boolean;
  readonly why: string | null;
  /** Left out by a release before this one. */
  readonly since?: string | null;
  readonly by?: string | null;
}

/** Whether live deadlines are judged, and if not since when and because of whom. */
export function sightText({ blind, why, since, by }: SightView): string {
  if (!blind) return 'sees';
  return `blind${since ? ` since ${showTime(since)}` : ''}${by ? ` because of ${by}` : ''}: ${why}`;
}
