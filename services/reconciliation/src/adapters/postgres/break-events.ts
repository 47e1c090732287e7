import { type PendingEvent, type PendingOpsEvent, type SlipEvent, wallClock } from '@slipstream/slip';
import type { Matched, MatchingStatement } from '../../application/statements/ports.ts';
import type { BreakType, FoundBreak, LineMatch, SlipBreakType } from '../../domain/statement/breaks.ts';
import type { Day } from '../../domain/statement/statement.ts';

/** Where a line stands in its file. */
export interface Place {
  readonly line: number;
  readonly booked_on: Day;
}

export type KeptBreak = FoundBreak & {
  readonly id: string;
  /** What the slip's outcome, or the fee that its provider told, must become for the break to close itself. */
  readonly wanted: string | null;
};
export type Places = ReadonlyMap<number | null, Place>;

export interface ClosedRow {
  readonly id: string;
  readonly kind: SlipBreakType;
  readonly slip_id: string;
  readonly partition: number;
}

export function toldAfterAll({ id: breakId, kind, slip_id: slipId, partition }: ClosedRow): PendingEvent {
  const data = { breakId, kind, resolution: 'told', repairedBy: null, by: null, reason: null };
  return {
    ...{ slipId, partition, clock: wallClock, receivedAt: null },
    event: { type: 'BreakResolved', data },
  };
}

/** Of these the log would have told, had it happened here. */
export const awaited: Readonly<Partial<Record<BreakType, SlipEvent['type']>>> = {
  status: 'SlipReturned',
  amount: 'SlipReturned',
  currency: 'SlipReturned',
  fee: 'SlipReturned',
  missing_here: 'SlipSubmitted',
};

/** What the slip's outcome, or the fee that its provider told, must become for the break to close itself. */
export function wantedOf(
  { type, seen, difference }: Pick<FoundBreak, 'type' | 'seen' | 'difference'>,
  fee: bigint | null,
): string | null {
  if (type === 'fee' && fee !== null) return (fee - difference).toString();
  if (type !== 'status') return null;
  if (seen === 'failed' || seen === 'void') return seen;
  return seen === 'came back' ? 'failed' : 'succeeded';
}

/** Of no slip, or of several: it is on no slip's stream. */
export function breakOpened(
  { id: statement, provider }: MatchingStatement,
  found: KeptBreak,
  lines: Places,
): PendingOpsEvent {
  const { id: breakId, type: kind, line, difference, currency, expected, seen } = found;
  const data = {
    ...{ breakId, kind, statement, provider, line: lines.get(line)?.line ?? 0 },
    ...{ difference, currency, expected, seen, awaited: awaited[kind] ?? null, number: line },
  };
  return { subject: statement, event: { type: 'StatementBreakOpened', data } };
}

export function eventsOf(
  { statement, matchings, slips }: Matched,
  breaks: readonly KeptBreak[],
  lines: Places,
): PendingEvent[] {
  const partitions = new Map(slips.map(({ slipId, partition }) => [slipId, partition]));
  const about = (slipId: string, event: SlipEvent): PendingEvent => ({
    ...{ slipId, partition: partitions.get(slipId)!, clock: wallClock, receivedAt: null, event },
  });
  const matches = matchings.flatMap((one) => one.matches);
  return [
    ...matches.map((match) => about(match.slipId, matchedEvent(statement, match, lines.get(match.line)!))),
    ...breaks.flatMap(
      ({ id, type, slipId, line, difference, currency, expected, seen, wanted, isRepaired }) =>
        slipId === null
          ? []
          : [
              about(slipId, {
                type: 'BreakOpened',
                data: {
                  ...{
                    breakId: id,
                    kind: type,
                    statement: statement.id,
                    line: lines.get(line)?.line ?? null,
                  },
                  ...{ difference, currency, expected, seen, awaited: awaited[type] ?? null },
                  ...{ number: line, provider: statement.provider, wanted },
                },
              }),
              ...(isRepaired
                ? [toldAfterAll({ id, kind: type, slip_id: slipId, partition: partitions.get(slipId)! })]
                : []),
            ],
    ),
  ];
}

export function matchedEvent(
  { id, provider }: Pick<MatchingStatement, 'id' | 'provider'>,
  match: LineMatch,
  place: Place,
): SlipEvent {
  const { outcome, reason, amount, currency, fee, providerReference, occurrence, paid, cameBack } = match;
  return {
    type: 'StatementLineMatched',
    data: {
      ...{ statement: id, line: place.line, provider, outcome, reason, providerReference },
      amount: amount === null || amount === 0n ? null : { amount, currency },
      fee: fee === null ? null : { amount: fee, currency },
      bookedOn: place.booked_on,
      ...{ number: match.line, paid, cameBack },
      ...(occurrence !== undefined && { occurrence }),
    },
  };
}
