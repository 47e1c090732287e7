import type { Instant } from '@slipstream/kernel';
import type { BookedSlip, MatchTerms } from '../../domain/statement/booked-slip.ts';
import type { BreakType, Matching } from '../../domain/statement/breaks.ts';
import type { BridgeDay } from '../../domain/statement/bridge.ts';
import type { AccountDay } from '../../domain/statement/day-bridge.ts';
import type { Day, StatementLine, StatementPart } from '../../domain/statement/statement.ts';
import type { StatementTotals } from '../../domain/statement/totals.ts';
import type { Page, Place } from '../newest-first.ts';
import type { Words } from '../words.ts';

/** A source of the rules file: whose files they are, how they are read, how far they may lie from our books. */
export interface StatementSource {
  readonly name: string;
  readonly provider: string;
  readonly format: string;
  readonly terms: MatchTerms;
  /** The pieces of a file. @throws StatementRefused while they are read */
  read(body: Uint8Array, name: string): Iterable<StatementPart> | AsyncIterable<StatementPart>;
}

/** A file as it came. */
export interface StatementFile {
  readonly source: StatementSource;
  readonly body: Uint8Array;
  /** SHA-256, hex. */
  readonly digest: string;
  /** The Idempotency-Key in its caller's scope. */
  readonly key: string;
  readonly caller: string;
  readonly requestId: string;
}

export interface KeptLine extends StatementLine {
  /** Counted over the whole file, from 1; lines that are matched have it as their `line`, too. */
  readonly n: number;
  /** Which of the file's statements it is in. */
  readonly account: number;
}

export interface AcceptedStatement {
  readonly id: string;
  readonly file: StatementFile;
  readonly accounts: readonly StatementTotals[];
  readonly lines: number;
  readonly bookedFrom: Day | null;
  readonly bookedTo: Day | null;
  /** Else it was told of before, and its lines were lost. */
  readonly isNew: boolean;
}

/** One transaction in which a file is kept whole, or not at all. */
export interface StatementIntake {
  /** The statement that this key, or this file, made before, and whether its lines were lost; null: neither is known. @throws SlipstreamError idempotency_key_reused */
  known(file: StatementFile): Promise<{ readonly id: string; readonly isLost: boolean } | null>;
  /** One whose lines were lost begins again. */
  begin(id: string, file: StatementFile): void;
  lines(id: string, lines: readonly KeptLine[]): Promise<void>;
  /** @throws StatementRefused for what an earlier statement has told otherwise */
  accept(accepted: AcceptedStatement): Promise<void>;
}

/** How far a statement is matched. */
export interface MatchingStatement {
  readonly id: string;
  readonly provider: string;
  readonly source: string;
  readonly phase: 'lines' | 'slips' | 'missing';
  readonly afterN: number;
  readonly afterSlip: string;
  readonly bookedFrom: Day | null;
  readonly bookedTo: Day | null;
}

export interface KeptSlip extends BookedSlip {
  readonly partition: number;
}

export interface SlipLines {
  readonly slip: KeptSlip;
  readonly lines: readonly KeptLine[];
}

/** What lines told of a slip, signed. */
export interface ToldOfSlip {
  readonly paid: bigint;
  readonly cameBack: bigint;
}

/** What became of lines that were matched in one step. */
export interface Matched {
  readonly statement: MatchingStatement;
  readonly matchings: readonly Matching[];
  readonly slips: readonly KeptSlip[];
  /** By slip. */
  readonly told: ReadonlyMap<string, ToldOfSlip>;
  /** Slips that are paid with what these lines tell: nothing of their amount is missing any more. */
  readonly paidUp: readonly KeptSlip[];
}

/** A line that was of no slip, and names one that was read since. */
export interface NamedLine {
  readonly breakId: string;
  readonly statement: Pick<MatchingStatement, 'id' | 'provider' | 'source'>;
  readonly line: KeptLine;
}

/** What became of a named line: the slip that it is about, or none. */
export interface NamedMatch {
  readonly named: NamedLine;
  readonly found: { readonly slip: KeptSlip; readonly matching: Matching; readonly told: ToldOfSlip } | null;
}

/** One transaction that matches a page of one statement; nobody else works on it meanwhile. */
export interface MatchTurn {
  /** The oldest that is not matched, is due, and whose slips were read; null: there is none, or another instance is at it. */
  claim(sources: readonly string[]): Promise<MatchingStatement | null>;
  linesAfter(statement: MatchingStatement, limit: number): Promise<readonly KeptLine[]>;
  /** Slips of the provider by any of the names. */
  named(
    provider: string,
    references: readonly string[],
    providerReferences: readonly string[],
  ): Promise<readonly KeptSlip[]>;
  /** Says which slip lines are about; '' for none, or several. */
  resolve(statement: MatchingStatement, lines: readonly { n: number; slipId: string }[]): void;
  slipsAfter(statement: MatchingStatement, limit: number): Promise<readonly SlipLines[]>;
  /** Succeeded, and in no statement: the first of them behind a slip id. */
  unpaidAfter(statement: MatchingStatement, through: Day, limit: number): Promise<readonly KeptSlip[]>;
  keep(matched: Matched): Promise<void>;
  /** Lines of these sources that were of no slip and name one now, at most `limit`; nobody else works on them meanwhile. */
  namedLines(sources: readonly string[], limit: number): Promise<readonly NamedLine[]>;
  /** Tells what is found as evidence, and closes its break; of the rest the break stays. */
  keepNamed(matches: readonly NamedMatch[]): Promise<void>;
  advance(
    statement: MatchingStatement,
    to: Pick<MatchingStatement, 'phase' | 'afterN' | 'afterSlip'> | 'matched',
  ): void;
}

export interface StatementStore {
  accept<T>(work: (intake: StatementIntake) => Promise<T>): Promise<T>;
  match<T>(work: (turn: MatchTurn) => Promise<T>): Promise<T>;
  /** Of a page that failed: this statement is tried again later. @throws the error where it is not the statement's own */
  putOff(statement: Pick<MatchingStatement, 'id'>, error: unknown): Promise<void>;
}

export type BreakStatus = 'open' | 'acknowledged' | 'snoozed' | 'resolved';

export interface BreakView {
  readonly id: string;
  readonly type: BreakType;
  readonly status: BreakStatus;
  readonly provider: string;
  readonly statementId: string;
  readonly line: number | null;
  readonly slipId: string | null;
  readonly currency: string;
  readonly difference: string;
  readonly expected: string;
  readonly seen: string;
  readonly awaitedEvent: string | null;
  readonly openedAt: Instant;
  readonly ageS: number;
  readonly snoozedUntil: Instant | null;
  readonly resolvedAt: Instant | null;
  readonly resolution: string | null;
  readonly resolvedBy: string | null;
  readonly reason: string | null;
}

export interface BreakFilter {
  readonly status: Words<BreakStatus>;
  readonly type: Words<BreakType>;
  readonly provider: Words;
  readonly statement: string | null;
  readonly slip: string | null;
}

export interface StatementView {
  readonly id: string;
  readonly source: string;
  readonly provider: string;
  readonly format: string;
  readonly digest: string;
  readonly status: 'accepted' | 'matched';
  readonly lines: number;
  readonly bookedFrom: Day | null;
  readonly bookedTo: Day | null;
  readonly acceptedAt: Instant;
  readonly acceptedBy: string;
  readonly matchedAt: Instant | null;
  /** Why it could not be matched when that was tried last; null: nothing is wrong. */
  readonly problem: string | null;
  readonly breaks: { readonly open: number; readonly resolved: number };
}

export interface BridgeView {
  readonly account: string;
  readonly name: string;
  readonly currency: string;
  /** What the statement itself says it closes with; null: it says nothing. */
  readonly statedClosing: string | null;
  readonly days: readonly BridgeDay[];
}

/** One account of a provider on one day, as all of its statements tell it. */
export interface DayBridgeView extends AccountDay {
  readonly account: string;
  /** Whose files they are, where they do not name their account. */
  readonly source: string | null;
  readonly currency: string;
}

/** What people do about a break. */
export interface BreakDecision {
  readonly breakId: string;
  readonly action: 'acknowledge' | 'snooze' | 'resolve';
  readonly reason: string;
  readonly until: Instant | null;
  readonly actor: string;
  readonly requestId: string;
}

export interface StatementViews {
  statements(from: Place | null, limit: number): Promise<Page<StatementView>>;
  statement(id: string): Promise<StatementView | null>;
  bridge(id: string): Promise<readonly BridgeView[]>;
  /** By account and currency, in their order; null: a statement that tells of the day is not matched yet. */
  dayBridges(provider: string, day: Day): Promise<readonly DayBridgeView[] | null>;
  breaks(filter: BreakFilter, from: Place | null, limit: number): Promise<Page<BreakView>>;
  decide(decision: BreakDecision): Promise<BreakView>;
}
