import { nameProblem } from '@slipstream/kernel';
import { checkObject, type FieldChecks, isObject } from '@slipstream/service-host';
import {
  accountProblem,
  amountProblem,
  currencyProblem,
  kindProblem,
  metadataProblem,
  timeProblem,
} from '@slipstream/slip';
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
const innerChecks = { amount: amountChecks };

/**
 * The body of `POST /v1/slips`, as it came; nothing is converted. By hand, since class-validator takes longer than all
 * the rest of a request.
 * @throws SlipstreamError malformed_request for fields that do not exist; validation_failed for wrong values
 */
export function checkBody(body: unknown): SubmitSlipBody {
  return checkObject(body, bodyChecks, innerChecks);
}

function objectProblem(value: unknown): string | null {
  return isObject(value) ? null : 'must be an object with amount and currency, or absent';
}

function confirmProblem(value: unknown): string | null {
  return typeof value === 'boolean' ? null : 'must be true, or false for a draft, or absent';
}
