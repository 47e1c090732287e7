import { type FieldProblem, nameProblem, SlipstreamError } from '@slipstream/kernel';
import { checkFields, type FieldChecks, wrongFields } from '@slipstream/service-host';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
  timeProblem,
} from '../../domain/submission/fields.ts';
import type { AmountBody, SubmitSlipBody } from './submit-slip.dto.ts';

type Check = FieldChecks[string];

/** Only an absent field is left to its default: null is a value, and a wrong one. */
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value);

const bodyChecks: Readonly<Record<keyof SubmitSlipBody, Check>> = {
  reference: nameProblem,
  kind: kindProblem,
  account: accountProblem,
  counterparty: accountProblem,
  amount: optional(objectProblem),
  route: optional(nameProblem),
  deadline: optional((value) => (value === null ? null : timeProblem(value))),
  confirm: optional(confirmProblem),
  metadata: optional(metadataProblem),
};
const amountChecks: Readonly<Record<keyof AmountBody, Check>> = {
  amount: amountProblem,
  currency: currencyProblem,
};

/**
 * The body of `POST /v1/slips`, as it came; nothing is converted. By hand, since class-validator takes longer than all
 * the rest of a request.
 * @throws SlipstreamError malformed_request for fields that do not exist; validation_failed for wrong values
 */
export function checkBody(body: unknown): SubmitSlipBody {
  if (!isObject(body)) throw new SlipstreamError('validation_failed', 'The body must be a JSON object.');
  const found = { unknown: [] as FieldProblem[], wrong: [] as FieldProblem[] };
  checkFields(body, bodyChecks, found);
  const { amount } = body as { readonly amount?: unknown };
  if (isObject(amount)) checkFields(amount, amountChecks, found, '/amount');
  if (found.unknown.length > 0 || found.wrong.length > 0) throw wrongFields(found.unknown, found.wrong);
  return body as SubmitSlipBody;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectProblem(value: unknown): string | null {
  return isObject(value) ? null : 'must be an object with amount and currency, or absent';
}

function confirmProblem(value: unknown): string | null {
  return typeof value === 'boolean' ? null : 'must be true, or false for a draft, or absent';
}
