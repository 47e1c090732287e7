import type { Outcome, Run } from './truth.ts';

/** What a provider has to say about a slip, before a protocol gives it its form. */
export type Word =
  | { readonly what: 'taken'; readonly run: Run; readonly again: boolean }
  | { readonly what: 'final' | 'rejected'; readonly run: Run }
  | { readonly what: 'state'; readonly run: Run; readonly state: 'pending' | 'in_progress' | Outcome }
  | { readonly what: 'unknown' }
  | { readonly what: 'cancelled' };

/** A protocol's form of it. */
export type Wording = (word: Word, slipId: string) => { readonly status: number; readonly body: object };
