import { slipEventType } from '@slipstream/contracts';
import type { SlipEventType } from '@slipstream/slip';
import { showAmount } from '../output/show-amount.ts';
import { showSpan, showTime } from '../output/show-time.ts';
import type { AmountView, CauseView } from './views.ts';

/** What an event says: one plain sentence, and the facts worth a look below it. */
export interface Told {
  readonly sentence: string;
  readonly facts: readonly string[];
}

type Data = Readonly<Record<string, unknown>>;
type Teller = (data: Data) => { sentence: string; facts?: (string | null)[] };

/** Tells an event by its CloudEvents type and data; a type unknown here is told by its name. */
export function tell(type: string, data: Data | null): Told {
  const name = slipEventType(type);
  if (name === undefined || data === null) return { sentence: `${type} happened.`, facts: [] };
  const { sentence, facts = [] } = tellers[name](data);
  return { sentence, facts: facts.filter((fact) => fact !== null) };
}

/** Closed: an event type without a sentence does not compile. */
const tellers: Readonly<Record<SlipEventType, Teller>> = {
  SlipSubmitted: (data) => ({
    sentence: `${text(data.caller)} submitted ${article(data.kind)}${data.amount ? ` of ${money(data.amount)}` : ''} from ${text(data.account)} to ${text(data.counterparty)}.`,
    facts: [
      `reference ${text(data.reference)}, route ${text(data.route)} (${text(data.mode)})`,
      `answer due by ${time(data.deadline)}`,
      data.review_required ? 'a person has to review it first' : null,
      metadataFact(data.details),
    ],
  }),
  SlipRejected: (data) => ({
    sentence: `The slip was refused: ${text(data.detail)}`,
    facts: [
      `rule ${text(data.rule)}, caller ${text(data.caller)}, reference ${text(data.reference)}`,
      fact('field', data.field),
      fact('command', data.command_id),
      fact('first slip', data.first_slip_id),
    ],
  }),
  SlipDrafted: (data) => ({
    sentence: `${text(data.caller)} drafted ${article(data.kind)}${data.amount ? ` of ${money(data.amount)}` : ''} from ${text(data.account)} to ${text(data.counterparty)}.`,
    facts: [
      `reference ${text(data.reference)}, route ${text(data.route)}`,
      `expires at ${time(data.expires_at)} unless it is confirmed`,
      metadataFact(data.details),
    ],
  }),
  DraftReminderDue: (data) => ({
    sentence: `The draft was about to expire, at ${time(data.expires_at)}.`,
  }),
  DraftExpired: () => ({ sentence: 'Nobody confirmed the draft in time: it expired.' }),
  SlipWithdrawn: (data) => ({
    sentence: `${text(data.by)} took the slip back${data.reason ? `: ${words(data.reason)}` : ''}.`,
  }),
  ReviewRequested: (data) => ({
    sentence: `It has to be approved by ${count(data.approvals, 'person', 'people')} first.`,
    facts: [
      `rules: ${(data.rules as readonly string[]).join(', ')}`,
      `declined at ${time(data.due_at)} unless it is decided`,
      ...(data.first_slip_id ? [`the same business as ${data.first_slip_id}`] : []),
    ],
  }),
  ReviewClaimed: (data) => ({ sentence: `${upper(text(data.by))} looks at it.` }),
  ReviewReleased: (data) => ({ sentence: `${upper(text(data.by))} gave the review back.` }),
  ApprovalGiven: (data) => ({
    sentence: `${upper(text(data.by))} approved it; ${count(data.missing, 'approval is', 'approvals are')} missing.`,
    facts: [fact('note', data.note)],
  }),
  SlipApproved: (data) => ({
    sentence: `${upper(text(data.by))} approved it: it goes on.`,
    facts: [fact('note', data.note), `answer due by ${time(data.deadline)}`],
  }),
  SlipDeclined: (data) => ({
    sentence:
      data.reason === 'review_deadline'
        ? 'Nobody decided about it in time: it was declined.'
        : `${upper(text(data.by))} declined it: ${words(data.reason)}.`,
    facts: [fact('detail', data.detail)],
  }),
  DispatchIntended: (data) => ({
    sentence: `Attempt ${text(data.attempt)} to hand it to ${provider(data)} was written down before the call.`,
    facts: [
      `nothing is sent after ${time(data.not_after)}`,
      data.reason ? `why this one: ${words(data.reason)}. ${text(data.detail)}` : null,
    ],
  }),
  DispatchNotSent: (data) => ({
    sentence: `Attempt ${text(data.attempt)} did not leave this system: ${words(data.reason)}.`,
    facts: [fact('detail', data.detail)],
  }),
  DispatchUnanswered: (data) => ({
    sentence: `Attempt ${text(data.attempt)} may have reached ${provider(data)}, but no usable answer came: ${words(data.reason)}.`,
    facts: [fact('detail', data.detail)],
  }),
  SlipAcknowledged: (data) => ({
    sentence: `${upper(provider(data))} took the slip.`,
    facts: providerFacts(data),
  }),
  SlipProgressed: (data) => ({
    sentence: `${upper(provider(data))} reported a step: ${words(data.step)}.`,
    facts: providerFacts(data),
  }),
  SlipReturned: (data) => ({
    sentence: `The outcome returned: ${provider(data)} says ${text(data.outcome)}${data.reason ? ` (${text(data.reason)})` : ''}.`,
    facts: [
      data.amount ? `amount ${money(data.amount)}` : null,
      data.fee ? `fee ${money(data.fee)}` : null,
      ...providerFacts(data),
    ],
  }),
  AnswerDoubted: (data) => ({
    sentence: `${upper(provider(data))} said something that settles nothing: ${words(data.doubt)}.`,
    facts: [fact('it said', data.said), ...providerFacts(data)],
  }),
  InquiryAnswered: (data) => ({
    sentence: `${upper(provider(data))} answered ${data.inquiry ? `inquiry ${text(data.inquiry)}` : 'an early question'}: ${words(data.answer)}.`,
    facts: [
      data.proves_not_executed ? 'this proves that it was not executed and never will be' : null,
      fact('held up by', data.held_up_by),
      fact('detail', data.detail),
    ],
  }),
  CallbackRefused: (data) => ({
    sentence: `Callbacks about it came from ${provider(data)} and were refused: our secret makes none of their signatures.`,
    facts: [],
  }),
  FundsHeld: (data) => ({
    sentence: data.transaction
      ? 'The ledger put the money aside.'
      : 'The ledger let it go on; no money is involved.',
    facts: postings(data.transaction),
  }),
  HoldRefused: (data) => ({
    sentence: `The ledger did not put the money aside: ${words(data.reason)}.`,
    facts: [fact('detail', data.detail)],
  }),
  SlipSettled: (data) => ({
    sentence: data.part ? `Part ${text(data.part)} of the slip was settled.` : 'The slip was settled.',
    facts: [...postings(data.transaction), ...postings(data.fee)],
  }),
  SlipRefunded: (data) => ({
    sentence: `The held money was given back: ${words(data.reason)}.`,
    facts: [fact('answers', data.request_id), ...postings(data.transaction), ...postings(data.fee)],
  }),
  RefundRefused: (data) => ({
    sentence: `The ledger refused a refund: ${words(data.reason)}.`,
    facts: [fact('answers', data.request_id)],
  }),
  PostingCompensated: (data) => ({
    sentence: `A compensating posting was made: ${words(data.reason)}.`,
    facts: [fact('answers', data.request_id), ...postings(data.transaction), ...postings(data.fee)],
  }),
  SuspenseDecided: (data) => ({
    sentence:
      data.decision === 'uphold'
        ? 'People decided that the success of the provider counts.'
        : data.decision === 'write_off'
          ? 'People wrote off what the provider owes.'
          : 'People decided to give the money back.',
    facts: [
      fact('proposed by', data.proposed_by),
      fact('approved by', data.approved_by),
      fact('executed by', data.provider),
      fact('entry', data.entry),
      fact('reason', data.reason),
      fact('note', data.note),
    ],
  }),
  SlipOverdue: (data) => ({
    sentence: `Nothing that ends the stage "${words(data.stage)}" was received by its deadline, ${time(data.deadline)}.`,
  }),
  SlipDiagnosed: (data) => {
    const cause = data.cause as CauseView;
    return {
      sentence: `Diagnosis: ${sentenceOf(cause.summary)}`,
      facts: [
        `cause ${cause.class}/${cause.code}, ${cause.confidence} % sure`,
        cause.remedy ? `remedy: ${cause.remedy}` : null,
        cause.evidence.length > 0 ? `evidence: ${cause.evidence.join(', ')}` : null,
        fact('rules', data.rules),
      ],
    };
  },
  InquiryRequested: (data) => ({
    sentence: `Inquiry ${text(data.inquiry)} to the provider was asked for${by(data.requested_by)}.`,
    facts: [fact('reason', data.reason)],
  }),
  RefundRequested: (data) => ({
    sentence: `${upper(text(data.requested_by))} asked for a refund (${basis(data.basis)}).`,
    facts: [fact('approved by', data.approved_by), fact('reason', data.reason)],
  }),
  SlipNotReturned: (data) => ({
    sentence: `The slip did not return: ${basis(data.basis)}.`,
    facts: [`deadline ${time(data.deadline)}`],
  }),
  SlipSlow: (data) => ({
    sentence: `It takes longer than 999 of 1,000 others took with ${text(data.provider)} (${text(data.usual_ms)} ms).`,
    facts: [`dispatched ${time(data.dispatched_at)}, deadline ${time(data.deadline)}`],
  }),
  StageLate: (data) => ({
    sentence: `The stage "${words(data.stage)}" takes longer than ${text(data.limit_ms)} ms: ${text(data.service)} should have ended it.`,
    facts: [`since ${time(data.since)}`, `point: ${words(data.point)}`, fact('waits for', data.provider)],
  }),
  StatementLineMatched: (data) => ({
    sentence: `A statement of ${text(data.provider)} says: ${words(data.outcome)}.`,
    facts: [`line ${text(data.line)} of ${text(data.statement)}, booked ${text(data.booked_on)}`],
  }),
  BreakOpened: (data) => ({
    sentence: `A statement and our books differ (${words(data.kind)}): expected ${text(data.expected)}, seen ${text(data.seen)}.`,
    facts: [`break ${text(data.break_id)}, statement ${text(data.statement)}`],
  }),
  BreakResolved: (data) => ({
    sentence: `The difference is resolved: ${words(data.resolution)}${data.by ? `, by ${text(data.by)}` : ''}.`,
    facts: [`break ${text(data.break_id)}`],
  }),
  LateReturnFound: (data) => ({
    sentence: `The answer came after all, ${late(data)}after its deadline.`,
    facts: [
      `deadline ${time(data.deadline)}, received ${time(data.received_at)}`,
      `by then: ${words(data.after)}`,
    ],
  }),
  CaseOpened: (data) => ({
    sentence: `A case was opened: ${sentenceOf(text(data.summary) || words(data.reason))}`,
    facts: [fact('reason', data.reason)],
  }),
  CaseClosed: (data) => {
    const about = data.reason ? ` for ${words(data.reason)}` : '';
    return {
      sentence: `The case${about} was closed${by(data.by)}: ${words(data.resolution)}.`,
      facts: [fact('note', data.note)],
    };
  },
  CaseNoted: (data) => ({
    sentence: `${upper(words(data.code))}${by(data.by)}: ${sentenceOf(text(data.text))}`,
  }),
  CaseAssigned: (data) => ({
    sentence: data.assignee
      ? `The case was given to ${text(data.assignee)}${by(data.by)}.`
      : `Nobody looks after the case any more${by(data.by)}.`,
    facts: [fact('note', data.note)],
  }),
};

/** Of people; nothing where nobody did it by hand. */
function by(actor: unknown): string {
  return actor ? ` by ${text(actor)}` : '';
}

function count(value: unknown, one: string, many: string): string {
  return `${text(value)} ${value === 1 ? one : many}`;
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

/** `not_found` as people write it. */
function words(value: unknown): string {
  return text(value).replaceAll('_', ' ') || 'no reason given';
}

function time(value: unknown): string {
  return value ? showTime(text(value)) : 'unknown';
}

function fact(label: string, value: unknown): string | null {
  return value ? `${label}: ${text(value)}` : null;
}

function upper(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function sentenceOf(given: string): string {
  return /[.!?]$/.test(given) ? given : `${given}.`;
}

function article(kind: unknown): string {
  const word = text(kind) || 'slip';
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}

function money(value: unknown): string {
  return showAmount(value as AmountView);
}

function provider(data: Data): string {
  return text(data.provider) || 'the provider';
}

function basis(value: unknown): string {
  if (value === 'not_executed') return 'it is proved that it was not executed';
  return value === 'no_answer' ? 'no answer came, and nobody can be asked' : words(value);
}

function late(data: Data): string {
  const ms = Date.parse(text(data.received_at)) - Date.parse(text(data.deadline));
  return Number.isNaN(ms) ? '' : `${showSpan(ms)} `;
}

/** Which evidence the provider's word rests on (rule 2), and its own time and reference. */
function providerFacts(data: Data): (string | null)[] {
  return [
    data.evidence ? `evidence: ${words(data.evidence)}` : null,
    data.provider_reference ? `provider's reference ${text(data.provider_reference)}` : null,
    data.provider_time ? `provider's time ${time(data.provider_time)}` : null,
  ];
}

function postings(transaction: unknown): string[] {
  if (!transaction) return [];
  const { id, postings: all } = transaction as {
    id: string;
    postings: readonly { account: string; direction: string; amount: AmountView }[];
  };
  const legs = all.map(({ account, direction, amount }) => `${direction} ${account} ${showAmount(amount)}`);
  return [`transaction ${id}`, ...legs];
}

function metadataFact(details: unknown): string | null {
  const { clear, sealed } = (details ?? {}) as {
    clear?: { text: string; metadata: Record<string, string> } | null;
    sealed?: object | null;
  };
  if (sealed) return 'its texts are sealed';
  const pairs = Object.entries(clear?.metadata ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length > 0 ? `metadata: ${pairs.join(', ')}` : null;
}
