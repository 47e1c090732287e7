import { plainShapeOf, schemas, slipEventType } from '@slipstream/contracts';
import { type EventWalk, timestampMicros } from '@slipstream/kafka';
import type { SlipEvent, Stage, StageLimits, StagePolicy } from '@slipstream/slip';
import type { HotPartition, Terms } from '../../application/quiet/hot-partition.ts';
import { isSlow } from '../../application/quiet/hot-set.ts';
import { idWords, readId } from '../../application/quiet/slip-ids.ts';
import { type Quietness, quietness } from '../../domain/watch/quiet.ts';
import { fieldOf, found, money, readMoney } from './plain-fields.ts';

/**
 * What became of an event. `quiet`: it was folded in memory. `loud`: something may follow from it, or the slip is not
 * followed there; nothing has changed. `unknown`: a type of a later release.
 */
export type Folded = 'quiet' | 'loud' | 'unknown';

interface Kind {
  readonly type: SlipEvent['type'];
  readonly quietness: Quietness;
  readonly shape: ReturnType<typeof plainShapeOf> | null;
}

const kinds = new Map<string, Kind | null>();

function kindOf(type: string): Kind | null {
  let kind = kinds.get(type);
  if (kind === undefined) {
    const name = slipEventType(type);
    const how = name && quietness[name];
    // Only what is known is kept: types of later releases may be any number.
    if (!name || !how) return null;
    kind = { type: name, quietness: how, shape: how === 'loud' ? null : plainShapeOf(schemas[name]) };
    kinds.set(type, kind);
  }
  return kind;
}

const id = new Uint32Array(idWords);
const terms: Terms = {
  deadline: 0,
  graceMs: 0,
  amount: 0,
  currency: 0,
  route: '',
  stages: null,
  inReview: false,
  receivedAt: 0,
};

/** The slot of the slip that the last event was about; -1: it is not followed in memory. */
export let foldedSlot = -1;

/** Folds the event that the walk has peeked at. `mayBegin`: there is room for one more slip. */
export function foldQuietly(event: EventWalk, into: HotPartition, mayBegin: boolean): Folded {
  foldedSlot = -1;
  const kind = kindOf(event.type);
  if (kind === null) return 'unknown';
  const { bytes, subjectAt, subjectLength, dataAt, dataEnd } = event;
  if (!event.isLive || !readId(bytes, subjectAt, subjectLength, id)) return 'loud';
  const slot = into.hot.find(id);
  foldedSlot = slot;
  if (slot < 0 !== (kind.quietness === 'submits')) return 'loud';
  if (kind.shape === null || !kind.shape.matches(bytes, dataAt, dataEnd)) return 'loud';
  return isQuiet(kind, event, into, slot, mayBegin) ? 'quiet' : 'loud';
}

function isQuiet(
  { quietness: how, type }: Kind,
  event: EventWalk,
  into: HotPartition,
  slot: number,
  mayBegin: boolean,
): boolean {
  const { bytes, offset, dataAt, dataEnd } = event;
  switch (how) {
    case 'submits':
      terms.receivedAt = event.receivedMicros;
      return mayBegin && readTerms(bytes, dataAt, dataEnd) && into.submitted(id, offset, terms);
    case 'follows':
      return follows(type, event, into, slot);
    case 'approves':
      if (fieldOf(bytes, dataAt, dataEnd, approvedDeadline) !== 1) return false;
      return approves(timestampMicros(bytes, found.at, found.end), event, into, slot);
    case 'holds':
      return into.held(slot, offset, event.receivedMicros);
    case 'returns':
      if (fieldOf(bytes, dataAt, dataEnd, returnedOutcome) !== 1 || found.value !== succeeded) return false;
      if (!readMoney(bytes, dataAt, dataEnd, returnedAmount)) return false;
      return into.returned(slot, offset, event.receivedMicros, money.amount, money.currency);
    case 'settles':
      return into.settled(slot);
    case 'tells':
      if (type === 'SlipSlow') into.hot.mark(slot, isSlow);
      else noteLate(bytes, dataAt, dataEnd, into, slot);
      return true;
    case 'loud':
      return false;
    default:
      return how satisfies never;
  }
}

function approves(deadline: number, event: EventWalk, into: HotPartition, slot: number): boolean {
  return deadline >= 0 && into.approved(slot, event.offset, deadline, event.receivedMicros);
}

/** What is noted and nothing else; calls to the provider tell when it is under way. */
function follows(type: SlipEvent['type'], event: EventWalk, into: HotPartition, slot: number): boolean {
  const { bytes, offset, dataAt, dataEnd, timeMicros, receivedMicros } = event;
  if (type === 'DispatchNotSent') return into.notSent(slot, offset, receivedMicros);
  if (type === 'DispatchUnanswered') return into.unanswered(slot, offset);
  if (type === 'SlipAcknowledged' || type === 'SlipProgressed')
    return into.heard(slot, offset, receivedMicros);
  if (type !== 'DispatchIntended') return into.followed(slot, offset);
  if (fieldOf(bytes, dataAt, dataEnd, intendedProvider) !== 1) return false;
  const provider = bytes.toString('utf8', found.at, found.end);
  return into.intended(slot, offset, provider, timeMicros, receivedMicros);
}

// Fields of SlipSubmitted, SlipPolicy, StagePolicy, StageLimits, SlipApproved, StageLate, DispatchIntended and SlipReturned: number and wire type. `quiet-fold.spec.ts` holds them to the schema.
const submittedAmount = (6 << 3) | 2;
const submittedRoute = (7 << 3) | 2;
const submittedReview = (11 << 3) | 0;
const submittedDeadline = (12 << 3) | 2;
const submittedPolicy = (13 << 3) | 2;
const policyGrace = (1 << 3) | 0;
const policyStages = (4 << 3) | 2;
/** Its field, by stage. */
const limitsOf = {
  ...{ submitted: (1 << 3) | 2, held: (2 << 3) | 2, dispatching: (3 << 3) | 2 },
  ...{ review: (4 << 3) | 2, returned: (5 << 3) | 2 },
} as const;
const limitsWarn = (1 << 3) | 0;
const limitsAct = (2 << 3) | 0;
const approvedDeadline = (3 << 3) | 2;
const lateStage = (1 << 3) | 0;
const latePoint = (2 << 3) | 0;
/** By their numbers in the schema. */
const stageNumbers: Readonly<Record<number, Stage>> = {
  ...{ 1: 'submitted', 2: 'review', 3: 'held', 4: 'dispatching', 5: 'returned' },
};
const actNumber = 2;
const intendedProvider = (2 << 3) | 2;
const returnedOutcome = (2 << 3) | 0;
const returnedAmount = (4 << 3) | 2;
const succeeded = 1;

/** False: the terms are not told in the ordinary way. */
function readTerms(bytes: Buffer, from: number, end: number): boolean {
  if (fieldOf(bytes, from, end, submittedDeadline) !== 1) return false;
  terms.deadline = timestampMicros(bytes, found.at, found.end);
  if (terms.deadline < 0 || fieldOf(bytes, from, end, submittedPolicy) !== 1) return false;
  const { at, end: until } = found;
  terms.graceMs = fieldOf(bytes, at, until, policyGrace) === 0 ? 0 : found.value;
  terms.stages =
    fieldOf(bytes, at, until, policyStages) === 0 ? null : readStages(bytes, found.at, found.end);
  terms.inReview = fieldOf(bytes, from, end, submittedReview) > 0;
  if (!(terms.graceMs < 2 ** 31) || !readMoney(bytes, from, end, submittedAmount)) return false;
  if (fieldOf(bytes, from, end, submittedRoute) !== 1) return false;
  terms.route = bytes.toString('utf8', found.at, found.end);
  terms.amount = money.amount;
  terms.currency = money.currency;
  return true;
}

function readStages(bytes: Buffer, from: number, end: number): StagePolicy {
  const limits = (stage: Stage): StageLimits | null => {
    if (fieldOf(bytes, from, end, limitsOf[stage]) === 0) return null;
    const { at, end: until } = found;
    const warnMs = fieldOf(bytes, at, until, limitsWarn) === 0 ? 0 : found.value;
    return { warnMs, actMs: fieldOf(bytes, at, until, limitsAct) === 0 ? 0 : found.value };
  };
  return {
    ...{ submitted: limits('submitted'), held: limits('held'), dispatching: limits('dispatching') },
    ...{ review: limits('review'), returned: limits('returned') },
  };
}

function noteLate(bytes: Buffer, from: number, end: number, into: HotPartition, slot: number): void {
  const stage = fieldOf(bytes, from, end, lateStage) === 1 ? stageNumbers[found.value] : undefined;
  if (stage === undefined || fieldOf(bytes, from, end, latePoint) !== 1) return;
  into.saidLate(slot, stage, found.value === actNumber ? 'act' : 'warn');
}
