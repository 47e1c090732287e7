import type { Outcome } from '@slipstream/slip';

/** A calendar day of the statement's own zone, `YYYY-MM-DD`. */
export type Day = string;

/**
 * What a movement is. Only payments and returns are about slips: `payment` is one executed, `return` money that came back, or a
 * booking that is undone. A fee, a transfer between the provider and us, and a conversion between currencies explain the balance.
 */
export type LineKind = 'payment' | 'return' | 'fee' | 'transfer' | 'conversion';
export const lineKinds = ['payment', 'return', 'fee', 'transfer', 'conversion'] as const;

/** One movement as the provider tells it. Amounts are signed minor units: more than zero came in, less went out. */
export interface StatementLine {
  /** Where it begins in the file. */
  readonly line: number;
  readonly kind: LineKind;
  /** What it changed the balance by. */
  readonly amount: bigint;
  /** What was paid before the provider took its fee from it; equal to `amount` where it took none. */
  readonly gross: bigint;
  readonly currency: string;
  readonly bookedOn: Day;
  /** Our names for what was paid; several where one movement pays several. */
  readonly references: readonly string[];
  readonly providerReference: string | null;
  /** The provider's word about the outcome; null: that it was booked is all it says. */
  readonly outcome: Outcome | null;
  /** A reason code, such as ISO 20022's AC04. */
  readonly reason: string | null;
  readonly text: string;
}

/** A file in pieces, in its order; a file has any number of statements. */
export type StatementPart =
  | { readonly part: 'opened'; readonly line: number; readonly name: string; readonly account: string }
  | {
      readonly part: 'balance';
      readonly line: number;
      /** `running`: as it is behind the latest movement. */
      readonly which: 'opening' | 'closing' | 'running';
      readonly amount: bigint;
      readonly currency: string;
      /** Of which day; left out where the format does not say it. */
      readonly on?: Day;
    }
  | { readonly part: 'line'; readonly movement: StatementLine }
  /** Movements that are one entry of the account: together they are what was booked. */
  | {
      readonly part: 'entry';
      readonly line: number;
      readonly amount: bigint;
      readonly currency: string;
      /** How many the provider says they are; null: it does not. */
      readonly count: number | null;
      readonly movements: readonly StatementLine[];
    }
  | { readonly part: 'closed'; readonly line: number };

/** The file is not what it says, and nothing of it was kept. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused';
  readonly line: number;
  readonly why: string;

  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`);
    this.line = line;
    this.why = why;
  }
}
