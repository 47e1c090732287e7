import { type StatementSourceDocument, statementSourceSchema } from './statements-schema.ts';

/** JSON schema of `slipstream.config.yaml`: shapes and ranges. What spans several keys is checked in rules-check.ts. */

const yearMs = 31_536_000_000;
/** What SlipSubmitted freezes of a policy travels as int32. */
const frozenMsMax = 2_147_483_647;
const duration = (minimum: number, maximum = yearMs) => ({ type: 'integer', minimum, maximum });
const name = '^[a-z][a-z0-9_-]{0,62}$';
const timeOfDay = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' };

const provider = {
  type: 'object',
  additionalProperties: false,
  required: ['base_url', 'secret'],
  properties: {
    protocol: { type: 'string', pattern: name },
    base_url: { type: 'string', minLength: 1, maxLength: 2048 },
    secret: { type: 'string', minLength: 16, maxLength: 512 },
    secret_next: { type: 'string', minLength: 16, maxLength: 512 },
    connect_timeout_ms: duration(1),
    answer_timeout_ms: duration(1),
    acceptance_delay_max_ms: duration(0),
    concurrency_max: { type: 'integer', minimum: 1, maximum: 10_000 },
    circuit_open_ms: duration(1),
    throttled_means_not_taken: { type: 'boolean' },
    idempotent_by_reference: { type: 'boolean' },
    cancel_by_reference: { type: 'boolean' },
    visibility_delay_ms: duration(0),
    failures_final: { type: 'boolean' },
    poll_ladder_ms: { type: 'array', maxItems: 50, items: duration(0) },
    recheck_ladder_ms: { type: 'array', maxItems: 50, items: duration(1) },
    probe: {
      type: 'object',
      additionalProperties: false,
      properties: {
        every_ms: duration(100),
        path: { type: 'string', pattern: '^/[!-~]{0,511}$' },
      },
    },
    statement: {
      type: 'object',
      additionalProperties: false,
      required: ['zone'],
      properties: {
        zone: { type: 'string', minLength: 1, maxLength: 64 },
        available_at: timeOfDay,
      },
    },
  },
};

const kinds = {
  type: 'array',
  minItems: 1,
  uniqueItems: true,
  items: { enum: ['order', 'payout', 'payment'] },
};
const currency = '^[A-Z]{3}$';
/** Minor units by ISO 4217 currency, as text: no reader of YAML changes a digit of them. */
const amounts = {
  type: 'object',
  minProperties: 1,
  propertyNames: { type: 'string', pattern: currency },
  additionalProperties: { type: 'string', pattern: '^[1-9][0-9]{0,18}$' },
};

const review = {
  type: 'object',
  additionalProperties: false,
  properties: {
    kinds,
    from_amount: amounts,
    second_person_from: amounts,
    deadline_ms: duration(1),
  },
};

/** How far a payer's account may go below zero: however far, not at all, or so far in these currencies. */
const overdraft = {
  ...amounts,
  type: ['boolean', 'object'],
};

const stageLimits = {
  type: 'object',
  additionalProperties: false,
  required: ['act_ms'],
  properties: { warn_ms: duration(1, frozenMsMax), act_ms: duration(1, frozenMsMax) },
};

/** Of a stage that something else ends: `review.deadline_ms`, and `outcome_deadline_ms`. */
const stageWarning = {
  type: 'object',
  additionalProperties: false,
  required: ['warn_ms'],
  properties: { warn_ms: duration(1, frozenMsMax) },
};

const route = {
  type: 'object',
  additionalProperties: false,
  required: ['mode', 'outcome_deadline_ms'],
  properties: {
    mode: { enum: ['dispatched', 'reported'] },
    provider: { type: ['string', 'null'] },
    providers: {
      type: 'array',
      minItems: 1,
      maxItems: 16,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id'],
        properties: {
          id: { type: 'string' },
          priority: { type: 'integer', minimum: 1, maximum: 1_000 },
          weight: { type: 'integer', minimum: 1, maximum: 1_000 },
        },
      },
    },
    kinds,
    outcome_deadline_ms: duration(1),
    overdraft: {
      type: ['boolean', 'object'],
      minProperties: 1,
      additionalProperties: false,
      properties: { order: overdraft, payment: overdraft, payout: overdraft },
    },
    retry_initial_ms: duration(1),
    retry_max_ms: duration(1),
    quiet_period_ms: duration(0, frozenMsMax),
    inquiry_ladder_ms: { type: 'array', minItems: 1, maxItems: 20, items: duration(0, frozenMsMax) },
    stages: {
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      properties: {
        ...{ submitted: stageLimits, held: stageLimits, dispatching: stageLimits },
        ...{ review: stageWarning, returned: stageWarning },
      },
    },
    draft_expires_ms: duration(1),
    draft_remind_before_ms: duration(0),
    review,
  },
};

const limit = {
  type: 'object',
  additionalProperties: false,
  required: ['window_ms'],
  properties: {
    kinds,
    routes: { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string' } },
    window_ms: duration(1),
    count_max: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    amount_max: amounts,
  },
};

const payment = {
  type: 'object',
  additionalProperties: false,
  properties: {
    kinds,
    routes: limit.properties.routes,
    methods: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', pattern: '^[!-~]{1,64}$' },
    },
    currencies: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', pattern: currency },
    },
    amount_min: amounts,
    amount_max: amounts,
    required: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', pattern: '^(amount|deadline|metadata\\.[!-~]{1,64})$' },
    },
    cut_off: {
      type: 'object',
      additionalProperties: false,
      required: ['zone', 'until'],
      properties: {
        zone: { type: 'string', minLength: 1, maxLength: 64 },
        days: {
          type: 'array',
          minItems: 1,
          uniqueItems: true,
          items: { enum: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] },
        },
        from: timeOfDay,
        until: { type: 'string', pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$' },
      },
    },
  },
};

const named = (values: object) => ({
  type: 'object',
  propertyNames: { type: 'string', pattern: name },
  additionalProperties: values,
});

export const rulesSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'providers', 'routes'],
  properties: {
    version: { const: 1 },
    providers: named(provider),
    routes: { ...named(route), minProperties: 1 },
    clients: {
      type: 'object',
      additionalProperties: false,
      required: ['requests_max', 'window_ms'],
      properties: {
        requests_max: { type: 'integer', minimum: 1, maximum: 10_000_000 },
        window_ms: duration(1, 3_600_000),
      },
    },
    accounts: {
      type: 'object',
      additionalProperties: false,
      properties: { open_on_first_use: { type: 'boolean' } },
    },
    duplicates: {
      type: 'object',
      additionalProperties: false,
      properties: {
        window_ms: duration(0),
        action: { enum: ['reject', 'review'] },
        review_deadline_ms: duration(1),
      },
    },
    limits: named(limit),
    payments: named(payment),
    repair: {
      type: 'object',
      additionalProperties: false,
      properties: {
        refunds_per_hour: { type: 'integer', minimum: 0, maximum: 10_000_000 },
        amount_per_hour: amounts,
        own_trouble_slips: { type: 'integer', minimum: 0, maximum: 10_000_000 },
      },
    },
    cases: {
      type: 'object',
      additionalProperties: false,
      properties: { escalate_after_ms: duration(1) },
    },
    statements: named(statementSourceSchema),
    detection: {
      type: 'object',
      additionalProperties: false,
      properties: {
        grace_ms: duration(0, frozenMsMax),
        blind_ms_max: duration(1),
        clock_skew_ms_max: duration(1),
        early_warning: {
          type: 'object',
          additionalProperties: false,
          properties: {
            slips_min: { type: 'integer', minimum: 50, maximum: 1_000_000 },
            false_alarm_every_days: { type: 'integer', minimum: 1, maximum: 100_000 },
            pause_percent: { type: 'integer', minimum: 1, maximum: 50 },
            slower_percent: { type: 'integer', minimum: 100, maximum: 1_000 },
            lost_percent: { type: 'integer', minimum: 1, maximum: 40 },
            half_life_ms: duration(1_000),
          },
        },
      },
    },
  },
} as const;

/** The document after the schema accepted it, with the file's own key names. */
export interface RulesDocument {
  readonly version: 1;
  readonly providers: Readonly<Record<string, ProviderDocument>>;
  readonly routes: Readonly<Record<string, RouteDocument>>;
  readonly clients?: { readonly requests_max: number; readonly window_ms: number };
  readonly accounts?: { readonly open_on_first_use?: boolean };
  readonly duplicates?: {
    readonly window_ms?: number;
    readonly action?: 'reject' | 'review';
    readonly review_deadline_ms?: number;
  };
  readonly limits?: Readonly<Record<string, LimitDocument>>;
  readonly payments?: Readonly<Record<string, PaymentDocument>>;
  readonly repair?: {
    readonly refunds_per_hour?: number;
    readonly amount_per_hour?: Readonly<Record<string, string>>;
    readonly own_trouble_slips?: number;
  };
  readonly cases?: { readonly escalate_after_ms?: number };
  readonly statements?: Readonly<Record<string, StatementSourceDocument>>;
  readonly detection?: {
    readonly grace_ms?: number;
    readonly blind_ms_max?: number;
    readonly clock_skew_ms_max?: number;
    readonly early_warning?: EarlyWarningDocument;
  };
}

export interface EarlyWarningDocument {
  readonly slips_min?: number;
  readonly false_alarm_every_days?: number;
  readonly pause_percent?: number;
  readonly slower_percent?: number;
  readonly lost_percent?: number;
  readonly half_life_ms?: number;
}

export interface ProviderDocument {
  readonly protocol?: string;
  readonly base_url: string;
  readonly secret: string;
  readonly secret_next?: string;
  readonly connect_timeout_ms?: number;
  readonly answer_timeout_ms?: number;
  readonly acceptance_delay_max_ms?: number;
  readonly concurrency_max?: number;
  readonly circuit_open_ms?: number;
  readonly throttled_means_not_taken?: boolean;
  readonly idempotent_by_reference?: boolean;
  readonly cancel_by_reference?: boolean;
  readonly visibility_delay_ms?: number;
  readonly failures_final?: boolean;
  readonly poll_ladder_ms?: readonly number[];
  readonly recheck_ladder_ms?: readonly number[];
  readonly probe?: { readonly every_ms?: number; readonly path?: string };
  readonly statement?: { readonly zone: string; readonly available_at?: string };
}

export interface RouteProviderDocument {
  readonly id: string;
  readonly priority?: number;
  readonly weight?: number;
}

export interface RouteDocument {
  readonly mode: 'dispatched' | 'reported';
  readonly provider?: string | null;
  readonly providers?: readonly RouteProviderDocument[];
  readonly kinds?: readonly ('order' | 'payout' | 'payment')[];
  readonly outcome_deadline_ms: number;
  readonly overdraft?: boolean | OverdraftsDocument;
  readonly retry_initial_ms?: number;
  readonly retry_max_ms?: number;
  readonly quiet_period_ms?: number;
  readonly inquiry_ladder_ms?: readonly number[];
  readonly stages?: StagesDocument;
  readonly draft_expires_ms?: number;
  readonly draft_remind_before_ms?: number;
  readonly review?: ReviewDocument;
}

export type StagesDocument = Readonly<
  Partial<
    Record<'submitted' | 'held' | 'dispatching', StageLimitsDocument> &
      Record<'review' | 'returned', Required<Pick<StageLimitsDocument, 'warn_ms'>>>
  >
>;

export interface StageLimitsDocument {
  readonly warn_ms?: number;
  readonly act_ms: number;
}

export type OverdraftDocument = boolean | Readonly<Record<string, string>>;
export type OverdraftsDocument = Readonly<Partial<Record<'order' | 'payment' | 'payout', OverdraftDocument>>>;

export interface ReviewDocument {
  readonly kinds?: readonly ('order' | 'payout' | 'payment')[];
  readonly from_amount?: Readonly<Record<string, string>>;
  readonly second_person_from?: Readonly<Record<string, string>>;
  readonly deadline_ms?: number;
}

export interface LimitDocument {
  readonly kinds?: readonly ('order' | 'payout' | 'payment')[];
  readonly routes?: readonly string[];
  readonly window_ms: number;
  readonly count_max?: number;
  readonly amount_max?: Readonly<Record<string, string>>;
}

export type WeekdayDocument = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface PaymentDocument {
  readonly kinds?: readonly ('order' | 'payout' | 'payment')[];
  readonly routes?: readonly string[];
  readonly methods?: readonly string[];
  readonly currencies?: readonly string[];
  readonly amount_min?: Readonly<Record<string, string>>;
  readonly amount_max?: Readonly<Record<string, string>>;
  readonly required?: readonly string[];
  readonly cut_off?: {
    readonly zone: string;
    readonly days?: readonly WeekdayDocument[];
    readonly from?: string;
    readonly until: string;
  };
}
