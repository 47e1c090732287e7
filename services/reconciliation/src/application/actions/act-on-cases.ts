import type { Posting, SlipEvent } from '@slipstream/slip';
import { type Ask, approveRefund, decideAction, postingsOf } from '../../domain/case/act.ts';
import type { WatchedSlip } from '../../domain/watch/watched-slip.ts';
import type { Reads } from '../reads.ts';
import type {
  ActionDesk,
  ActionRequest,
  Asked,
  BulkRequest,
  Decided,
  Decision,
  KeptAction,
  KeptBulk,
  Refusal,
} from './ports.ts';

/** How long a request waits for what comes of it before it is told where to look. */
const answerMsMax = 5_000;
const lookEveryMs = 50;

/** What an action would do now; nothing is kept or published. */
export interface Preview {
  readonly slipId: string;
  readonly status: 'done' | 'proposed' | 'refused';
  readonly events: readonly SlipEvent[];
  /** What the ledger posts on them, unless the provider's word is faster. */
  readonly postings: readonly Posting[];
  /** Of what is proposed: what another person's approval would do. */
  readonly whenApproved: {
    readonly events: readonly SlipEvent[];
    readonly postings: readonly Posting[];
  } | null;
  readonly refusal: Refusal | null;
}

export interface ActContext {
  readonly desk: ActionDesk;
  readonly reads: Pick<Reads, 'caseOf'>;
  /** As they are kept now; one whose case is closed may not be. */
  slips(slipIds: readonly string[]): Promise<readonly WatchedSlip[]>;
  /** There is something to be done. */
  wake(): void;
  pause(ms: number): Promise<void>;
}

/** What people can do about cases. */
export interface ActOnCases {
  /** null: the slip has no case. */
  act(request: ActionRequest): Promise<Asked<KeptAction> | null>;
  actOnMany(request: BulkRequest): Promise<Asked<KeptBulk>>;
  decide(id: string, decision: Decision): Promise<Decided>;
  /** Those that a bulk names although they never had a case. */
  misnamed(cases: BulkRequest['cases']): Promise<readonly string[]>;
  /** null: the slip has no case. */
  preview(slipId: string, ask: Ask): Promise<Preview | null>;
  /** Of a bulk; null: there are too many cases. */
  previewMany(ask: Ask, cases: BulkRequest['cases']): Promise<readonly Preview[] | null>;
}

export function actOnCases(context: ActContext): ActOnCases {
  const { desk, reads, slips, wake } = context;
  const previewAll = async (slipIds: readonly string[], ask: Ask): Promise<readonly Preview[]> => {
    const known = new Map((await slips(slipIds)).map((slip) => [slip.state.slipId, slip]));
    const proposed = await desk.proposed(slipIds);
    return slipIds.map((slipId) => previewOf(slipId, known.get(slipId), ask, proposed.has(slipId)));
  };
  return {
    async act(request) {
      if ((await reads.caseOf(request.slipId)) === null) return null;
      const asked = await desk.ask(request);
      if (asked.type !== 'asked') return asked;
      wake();
      return { ...asked, kept: await settled(context, asked.kept) };
    },
    async actOnMany(request) {
      const asked = await desk.askForMany(request);
      wake();
      return asked;
    },
    misnamed: async (cases) => ('slipIds' in cases ? desk.withoutCase(cases.slipIds) : []),
    async decide(id, decision) {
      const decided = await desk.decide(id, decision);
      if (decided.type !== 'decided') return decided;
      wake();
      return { ...decided, kept: await settled(context, decided.kept) };
    },
    async preview(slipId, ask) {
      if ((await reads.caseOf(slipId)) === null) return null;
      return (await previewAll([slipId], ask))[0]!;
    },
    async previewMany(ask, cases) {
      const slipIds = await desk.listed(cases);
      return slipIds && previewAll(slipIds, ask);
    },
  };
}

/** Looks again until it was done, or for so long as a caller may wait. */
async function settled({ desk, pause }: ActContext, asked: KeptAction): Promise<KeptAction> {
  let kept = asked;
  for (let waitedMs = 0; kept.status === 'waiting' && waitedMs < answerMsMax; waitedMs += lookEveryMs) {
    await pause(lookEveryMs);
    kept = (await desk.action(asked.id)) ?? kept;
  }
  return kept;
}

function previewOf(slipId: string, slip: WatchedSlip | undefined, ask: Ask, proposed: boolean): Preview {
  const nothing = { slipId, events: [], postings: [], whenApproved: null };
  if (slip === undefined)
    return { ...nothing, status: 'refused', refusal: { code: 'conflict', detail: 'Its case is closed.' } };
  const answer = decideAction(slip, ask, proposed);
  if (answer.type === 'refused') {
    const { code, detail } = answer;
    return { ...nothing, status: 'refused', refusal: { code, detail } };
  }
  const { type: status, events } = answer;
  const whenApproved = status === 'proposed' ? approved(slip, ask) : null;
  return { slipId, status, events, postings: postingsOf(slip.state, events), whenApproved, refusal: null };
}

function approved(slip: WatchedSlip, ask: Ask): Preview['whenApproved'] {
  const answer = approveRefund(slip, ask, 'another person');
  const events = answer.type === 'refused' ? [] : answer.events;
  return { events, postings: postingsOf(slip.state, events) };
}
