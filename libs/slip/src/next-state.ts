import type { SlipEvent, SlipEventType } from './events.ts';
import type { AnomalyReason, SlipFacts, Terms } from './state.ts';

/** The one copy of a state that an `evolve` makes and may write to, until it hands it out. */
export type NextState = { -readonly [K in keyof SlipFacts]: SlipFacts[K] } & {
  -readonly [K in keyof Terms]: Terms[K] | null;
};

export type DataOf<Type extends SlipEventType> = Extract<SlipEvent, { type: Type }>['data'];

/** What folding one event found wrong with it; null when it fitted. The fact is in the state either way. */
export type Finding = AnomalyReason | null;
