/** What a submission must be, by its route, its clock and its deadline. */
type OwnRule =
  | 'same_account'
  | 'route_unknown'
  | 'kind_not_on_route'
  | 'route_not_reported'
  | 'deadline_in_past'
  | 'deadline_too_close'
  | 'deadline_too_far'
  | 'wait_too_long'
  | 'throttled'
  | 'clock_closed';

/** What the operators allow on a route. */
export type PaymentWord =
  | 'field_required'
  | 'method_missing'
  | 'method_not_allowed'
  | 'currency_not_allowed'
  | 'amount_too_small'
  | 'amount_too_large'
  | 'cut_off';

/** What depends on other slips, or on what people said about an account. */
export type GateRule =
  | 'account_unknown'
  | 'account_frozen'
  | 'account_closed'
  | 'counterparty_frozen'
  | 'counterparty_closed'
  | 'business_duplicate'
  | 'limit_exceeded';

export type SubmissionRule = OwnRule | PaymentWord | GateRule;

/** Why a submission is refused: the rule's name is published, the field helps the caller. */
export interface Refusal {
  readonly rule: SubmissionRule;
  /** A JSON pointer (RFC 6901) into the submission, without its first slash. */
  readonly field: string;
  readonly detail: string;
  /** Of the payment rule that is broken. */
  readonly ruleName?: string;
  /** The slip that is in the way. */
  readonly firstSlipId?: string | null;
  /** Seconds after which it may be accepted as it is. */
  readonly retryAfterS?: number;
}
