/** JSON schema of `statements` in the rules file: how a provider's files are read, and how far they may lie from our books. */

const column = { type: 'string', minLength: 1, maxLength: 200 };
const currency = '^[A-Z]{3}$';
const minor = { type: 'string', pattern: '^-?[0-9]{1,18}$' };
const words = (values: readonly string[]) => ({
  type: 'object',
  minProperties: 1,
  maxProperties: 500,
  additionalProperties: { enum: values },
});

const csv = {
  type: 'object',
  additionalProperties: false,
  required: ['date'],
  properties: {
    delimiter: { type: 'string', minLength: 1, maxLength: 1 },
    decimal: { enum: ['.', ','] },
    thousands: { enum: ['.', ',', ' ', "'"] },
    unit: { enum: ['major', 'minor'] },
    date_form: { enum: ['YYYY-MM-DD', 'YYYYMMDD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'] },
    date: column,
    amount: column,
    credit: column,
    debit: column,
    gross: column,
    gross_credit: column,
    gross_debit: column,
    currency_column: column,
    currency: { type: 'string', pattern: currency },
    references: { type: 'array', maxItems: 10, uniqueItems: true, items: column },
    provider_reference: column,
    text: column,
    balance: column,
    order: { enum: ['oldest_first', 'newest_first'] },
    kind: column,
    kinds: words(['payment', 'return', 'fee', 'transfer', 'conversion']),
    outcome: column,
    outcomes: words(['succeeded', 'failed', 'void']),
    balances: {
      type: 'object',
      propertyNames: { type: 'string', pattern: currency },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['opening', 'closing'],
        properties: { opening: minor, closing: minor },
      },
    },
  },
};

export const statementSourceSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['provider', 'format'],
  properties: {
    provider: { type: 'string' },
    format: { enum: ['csv', 'ndjson', 'mt940', 'camt.053', 'camt.054'] },
    encoding: { enum: ['utf-8', 'utf-16', 'windows-1252', 'iso-8859-1', 'iso-8859-15', 'cp852', 'gb18030'] },
    days_max: { type: 'integer', minimum: 0, maximum: 366 },
    tolerances: {
      type: 'object',
      propertyNames: { type: 'string', pattern: currency },
      additionalProperties: { type: 'string', pattern: '^[0-9]{1,18}$' },
    },
    codes: words(['payment', 'return', 'fee', 'transfer', 'conversion']),
    csv,
  },
} as const;

export interface CsvDocument {
  readonly delimiter?: string;
  readonly decimal?: '.' | ',';
  readonly thousands?: '.' | ',' | ' ' | "'";
  readonly unit?: 'major' | 'minor';
  readonly date_form?: 'YYYY-MM-DD' | 'YYYYMMDD' | 'DD.MM.YYYY' | 'DD/MM/YYYY' | 'MM/DD/YYYY';
  readonly date: string;
  readonly amount?: string;
  readonly credit?: string;
  readonly debit?: string;
  readonly gross?: string;
  readonly gross_credit?: string;
  readonly gross_debit?: string;
  readonly currency_column?: string;
  readonly currency?: string;
  readonly references?: readonly string[];
  readonly provider_reference?: string;
  readonly text?: string;
  readonly balance?: string;
  readonly order?: 'oldest_first' | 'newest_first';
  readonly kind?: string;
  readonly kinds?: Readonly<Record<string, 'payment' | 'return' | 'fee' | 'transfer' | 'conversion'>>;
  readonly outcome?: string;
  readonly outcomes?: Readonly<Record<string, 'succeeded' | 'failed' | 'void'>>;
  readonly balances?: Readonly<Record<string, { readonly opening: string; readonly closing: string }>>;
}

export interface StatementSourceDocument {
  readonly provider: string;
  readonly format: 'csv' | 'ndjson' | 'mt940' | 'camt.053' | 'camt.054';
  readonly encoding?:
    | 'utf-8'
    | 'utf-16'
    | 'windows-1252'
    | 'iso-8859-1'
    | 'iso-8859-15'
    | 'cp852'
    | 'gb18030';
  readonly days_max?: number;
  readonly tolerances?: Readonly<Record<string, string>>;
  readonly codes?: NonNullable<CsvDocument['kinds']>;
  readonly csv?: CsvDocument;
}
