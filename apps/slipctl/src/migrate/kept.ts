/** What a service's database keeps for ever, as far as an upgrade could lose it. */
export interface Kept {
  readonly service: 'intake' | 'provider-gateway' | 'reconciliation';
  readonly database: string;
  /** Slips of the ledger's log that it must have a row of. */
  readonly of: 'submitted' | 'with_case';
  /** These rows by id, each with what of it never changes; null: what is kept of it changes with its case. */
  readonly rows: string;
  readonly changes: boolean;
  /** The consumer group that makes them of the log; null: the service makes them before the log has them. */
  readonly group: string | null;
  /** Tables that never have fewer rows than before. */
  readonly tables: readonly string[];
}

export const kept: readonly Kept[] = [
  {
    ...{ service: 'intake', database: 'intake', of: 'submitted', changes: false, group: null },
    rows: `select slip_id::text as id, json_build_array(caller, reference, clock, encode(digest, 'hex'))::text as row
      from slip order by slip_id`,
    tables: ['slip', 'idempotency', 'review', 'account_status', 'refused_command'],
  },
  {
    ...{ service: 'provider-gateway', database: 'provider_gateway', of: 'submitted', changes: false },
    group: 'provider-gateway',
    rows: `select slip_id as id, json_build_array(clock, caller, reference, kind, account, counterparty, amount, currency, route)::text as row
      from dispatch order by slip_id collate "C"`,
    tables: [
      'dispatch',
      'inquiry',
      'attempt',
      'denial',
      'certificate',
      'provider_state',
      'proof_switch',
      'statement',
    ],
  },
  {
    ...{ service: 'reconciliation', database: 'reconciliation', of: 'with_case', changes: true, group: null },
    rows: `select slip_id as id, '' as row from case_file order by slip_id collate "C"`,
    tables: ['case_file', 'case_action', 'incident', 'statement', 'statement_break'],
  },
];
