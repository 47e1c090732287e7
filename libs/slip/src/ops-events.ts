import type { Instant, Money } from '@slipstream/kernel';
import type { AnsweredRequest } from './events.ts';

// What belongs to no slip and is told on ops.events.v1. Stored for ever, as the slips' events are: add optional fields,
// never rename or reuse one.

/** Slips of an account that is not `active` are refused. */
export type AccountStatus = 'active' | 'frozen' | 'closed';

/** `degraded`: it is called, and answers too seldom or too late; `down`: it is not called for a while. */
export type ProviderHealth = 'healthy' | 'degraded' | 'down';

interface ProviderSwitched {
  provider: string;
  reason: string;
  /** Who switched it (the token's subject), and by which request. */
  actor: string;
  requestId: string;
}

export interface OpsEventData {
  // every service, about itself
  ConfigApplied: {
    service: string;
    /** SHA-256 of the rules, hex: `configDigest` of the slips that they judge. */
    digest: string;
    /** Those that the service applied before; null: its database knows of none. */
    previous: string | null;
  };

  /** People had a service do something; what changes a state has an event of its own. */
  OperatorActed: {
    service: string;
    /** A stable code, such as `inquire`. */
    action: string;
    /** What it was done to, such as a slip's id. */
    target: string;
    reason: string;
    /** Who did it (the token's subject), and by which request. */
    actor: string;
    requestId: string;
    /** The request that it answers; null: it has no answer that is kept. */
    request?: AnsweredRequest | null;
    /** Of a proposal about money in suspense: which of the slip's entries put it there. */
    entry?: number | null;
  };

  // intake
  AccountStatusChanged: {
    account: string;
    /** null: nobody had said anything about this account. */
    previous: AccountStatus | null;
    status: AccountStatus;
    reason: string;
    /** Who changed it (the token's subject), and by which request. */
    actor: string;
    requestId: string;
  };

  // provider-gateway
  ProviderDisabled: ProviderSwitched;
  ProviderEnabled: ProviderSwitched;
  /**
   * It took slips later than it declares, by what it denied or says of the time itself: what its NOT_FOUND proved may be wrong, and they prove
   * nothing any more until people restore it.
   */
  ProviderPromiseBroken: {
    provider: string;
    /** The slips that show it, and their money by currency, in minor units. */
    slips: string[];
    broken: Money[];
    /**
     * Slips that rest on its NOT_FOUND and may be wrong, too: how many, their money, and the first of them. Counted when it is
     * believed no more, and empty after that.
     */
    slipsAtRisk: number;
    atRisk: Money[];
    firstAtRisk: string[];
    /** True: it was believed until now. */
    switchedOff: boolean;
  };
  /** People believe its NOT_FOUND again. */
  ProviderProofRestored: ProviderSwitched;
  /** As one instance sees it, by its latest calls, at most a minute old. */
  ProviderHealthChanged: {
    provider: string;
    instance: string;
    previous: ProviderHealth;
    health: ProviderHealth;
    calls: number;
    /** Calls that ended without a usable answer; and of those, how many by time. */
    failures: number;
    timeouts: number;
    /** Percentiles of the time that calls took; null: there was none. */
    p50Ms: number | null;
    p95Ms: number | null;
    p99Ms: number | null;
    /** Probes that were answered, or not, in a row up to the latest; both 0: none was made. What was wrong with the latest. */
    probesAnswered: number;
    probesFailed: number;
    probeProblem: string | null;
  };

  /**
   * Callbacks in a provider's name were refused, for none of our secrets makes their signature. Told once a minute at the most, however
   * many came and whichever instances took them.
   */
  CallbacksRefused: {
    provider: string;
    refused: number;
    /** Of these, about slips that the provider has; at most five a second and instance are looked at. None: they may be anybody's. */
    aboutItsSlips: number;
    /** Callbacks that were accepted in the same minutes. None: our secret may be another than the provider's. */
    accepted: number;
    /** Of the first and the last that was refused. */
    since: Instant;
    until: Instant;
  };

  // reconciliation
  /** Outcomes come back more slowly or more seldom than the provider's do on that route. Its times are the log's. */
  ReturnsFalling: {
    provider: string;
    route: string;
    /** Of what was dispatched from here on too little comes back. */
    since: Instant;
    foundAt: Instant;
    /** Slips dispatched since; how many should have returned by their age, and how many have. */
    dispatched: number;
    expected: number;
    seen: number;
    /** The e-value is ten to this power. */
    eValueLog10: number;
    /** Were all well, a warning would come once in so many days, or more seldom. */
    falseAlarmEveryDays: number;
    /** Of the slips under way: those that will miss their deadlines if it goes on so, and their money by currency. */
    forecastSlips: number;
    forecastMoney: readonly Money[];
    /** Of the slips under way. */
    firstDeadline: Instant;
  };
  ReturnsRecovered: {
    provider: string;
    route: string;
    /** The id of the ReturnsFalling that ends here, and what it said. */
    falling: string;
    since: Instant;
    foundAt: Instant;
    /** What was dispatched from here on comes back again. */
    recoveredSince: Instant;
    dispatched: number;
    seen: number;
  };

  /** A statement was read, adds up, and is kept. */
  StatementAccepted: {
    statement: string;
    /** Of the rules (`statements.<source>`), and the provider that it names. */
    source: string;
    provider: string;
    format: string;
    /** SHA-256 of the file, hex. */
    digest: string;
    lines: number;
    /** The days on which its lines were booked; null: it has none. */
    bookedFrom: string | null;
    bookedTo: string | null;
    actor: string;
    requestId: string;
  };

  /** How a statement and our books differ, where that is about no slip, or about several at once. */
  StatementBreakOpened: {
    breakId: string;
    /** A type of breaks, such as `missing_here`. */
    kind: string;
    statement: string;
    provider: string;
    /** Where it begins in the file. */
    line: number;
    /** What our books do not explain: signed minor units. */
    difference: bigint;
    currency: string;
    /** For people. */
    expected: string;
    seen: string;
    /** The type of the event that should have caused what the statement says; null: none can. */
    awaited: string | null;
    /** The line's number in the file, from 1; null: it is about no line. Absent: an older release did not tell it. */
    number?: number | null;
  };
  StatementBreakResolved: {
    breakId: string;
    kind: string;
    statement: string;
    provider: string;
    /** `repaired`: a slip that the line names became known; else a code that people gave. */
    resolution: string;
    /** The slip that the line is about after all; null: none became known. */
    slip: string | null;
    /** null: it closed itself. */
    by: string | null;
    reason: string | null;
  };

  // reconciliation, or another service that hears nothing of it
  /** Deadlines are not judged meanwhile. */
  DetectorBlinded: {
    /** To blame: a service's name; `kafka`: nobody is heard at all. */
    service: string;
    why: string;
    /** What was due later is not judged. */
    since: Instant;
    /** Slips without a verdict, and their money by currency: of the partitions of the instance that says it. */
    slips: number;
    money: readonly Money[];
    instance: string;
  };
  DetectorRestored: { service: string; since: Instant; instance: string };

  // reconciliation
  /** One outage is one incident; one that was closed may open again under its id. */
  IncidentOpened: {
    /** The id of the ReturnsFalling that warned of it, where one came first. */
    incident: string;
    /** null: the trouble is our own. */
    provider: string | null;
    /** Of the dispatches (of what was not dispatched, the submissions) that are in it, as far as is known now. */
    since: Instant;
    until: Instant;
    /** Slips that have missed their deadlines, and the money of those without an answer, by currency. */
    slips: number;
    atRisk: readonly Money[];
    /** The ids of the ReturnsFalling events that warn of it. */
    warnings: readonly string[];
    /** Since when deadlines cannot be judged, and because of whom; null: they can. */
    blindSince: Instant | null;
    blindBy: string | null;
  };
  IncidentClosed: {
    incident: string;
    provider: string | null;
    since: Instant;
    until: Instant;
    slips: number;
    returned: number;
    refunded: number;
    /** It turned out to be of the same outage as this one. */
    mergedInto: string | null;
  };
}

export type OpsEventType = keyof OpsEventData;

export type OpsEvent = {
  [Type in OpsEventType]: { readonly type: Type; readonly data: Readonly<OpsEventData[Type]> };
}[OpsEventType];

/** One of them on its way: decided, and published with the commit of the decision. */
export interface PendingOpsEvent {
  /** What it is about, and the record's key: the account, the provider, the service. */
  readonly subject: string;
  readonly event: OpsEvent;
  /** Of an event that follows from the log alone: the same one every time. Else it gets a new one. */
  readonly id?: string;
  /** W3C trace context of what caused it; null, empty or absent: of nothing. */
  readonly traceparent?: string | null | undefined;
}
