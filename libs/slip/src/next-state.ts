import type { DataOf, RecordedEvent, SlipEventType } from './events.ts';
import type { AnomalyReason, SlipFacts, Terms } from './state.ts';

/** The one copy of a state that an `evolve` makes and may write to, until it hands it out. */
export type NextState = { -readonly [K in keyof SlipFacts]: SlipFacts[K] } & {
  -readonly [K in keyof Terms]: Terms[K] | null;
};

/** What folding one event found wrong with it; null when it fitted. The fact is in the state either way. */
export type Finding = AnomalyReason | null;

/** Writes what one type of event tells into the next state. */
export type Fold<Type extends SlipEventType> = (
  next: NextState,
  recorded: RecordedEvent,
  data: DataOf<Type>,
) => Finding;

/** How events of these types become facts. */
export type Folds<Types extends SlipEventType = SlipEventType> = { readonly [Type in Types]: Fold<Type> };
