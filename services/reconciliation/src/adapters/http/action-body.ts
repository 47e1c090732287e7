import { SlipstreamError } from '@slipstream/kernel';
import {
  checkObject,
  type FieldChecks,
  Parameters,
  type ServiceRequest,
  textProblem,
  versionInTag,
  wordsProblem,
} from '@slipstream/service-host';
import type { BulkRequest } from '../../application/actions/ports.ts';
import { bulkSizeMax } from '../../application/actions/ports.ts';
import { type Action, type ActionType, actionTypes } from '../../domain/case/act.ts';
import { caseFilters, caseWords, toFilter } from './cases.controller.ts';

const nameLengthMax = 255;

interface ActionBody {
  readonly action: ActionType;
  readonly reason: string;
  readonly assignee?: string | null;
  readonly case_reason?: string;
  readonly dry_run?: boolean;
}

interface BulkBody extends ActionBody {
  readonly slip_ids?: readonly string[];
  readonly filter?: object;
}

const name = textProblem(nameLengthMax);
const absent = (value: unknown) => value === undefined;

const actionChecks: FieldChecks = {
  action: (value) =>
    actionTypes.some((type) => type === value) ? null : `must be one of ${actionTypes.join(', ')}`,
  reason: wordsProblem,
  assignee: (value) => (absent(value) || value === null ? null : name(value)),
  case_reason: (value) => (absent(value) ? null : name(value)),
  dry_run: (value) =>
    absent(value) || typeof value === 'boolean' ? null : 'must be true or false, or absent',
};

const bulkChecks: FieldChecks = {
  ...actionChecks,
  slip_ids: (value) => (absent(value) ? null : slipIdsProblem(value)),
  filter: (value) =>
    absent(value) || (typeof value === 'object' && value !== null && !Array.isArray(value))
      ? null
      : 'must be an object, or absent',
};

/** What somebody wants done, as a request's body says it. */
export interface Wanted {
  readonly action: Action;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** @throws SlipstreamError validation_failed, malformed_request */
export function readAction(body: unknown): Wanted {
  return toWanted(checkObject<ActionBody & object>(body, actionChecks));
}

/** @throws SlipstreamError validation_failed, malformed_request */
export function readBulk(body: unknown): Wanted & { readonly cases: BulkRequest['cases'] } {
  const read = checkObject<BulkBody & object>(body, bulkChecks);
  const { slip_ids: slipIds, filter } = read;
  if ((slipIds === undefined) === (filter === undefined))
    throw wrong('slip_ids', 'a bulk needs either slip_ids or a filter');
  const cases = slipIds ? { slipIds: [...new Set(slipIds)] } : { filter: toFilter(filterOf(filter)) };
  return { ...toWanted(read), cases };
}

/** Only what closes a case, or gives it to somebody, has more to say than its reason. */
function toWanted({
  action,
  reason,
  assignee,
  case_reason: of,
  dry_run: dryRun = false,
}: ActionBody): Wanted {
  if (assignee !== undefined && action !== 'assign') throw wrong('assignee', 'only assign has one');
  if (of !== undefined && action !== 'close') throw wrong('case_reason', 'only close has one');
  if (action === 'assign') {
    if (assignee === undefined) throw wrong('assignee', 'must say who looks after it; null: nobody');
    return { action: { type: action, assignee }, reason, dryRun };
  }
  if (action === 'close') return { action: { type: action, of: of ?? null }, reason, dryRun };
  return { action: { type: action }, reason, dryRun };
}

/** The filters of `GET /v1/cases`, as text as they stand there. */
function filterOf(filter: object = {}): Parameters {
  const query = Object.fromEntries(
    Object.entries(filter).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map(String) : String(value),
    ]),
  );
  return new Parameters(query, caseFilters, caseWords);
}

function slipIdsProblem(value: unknown): string | null {
  const isList = Array.isArray(value) && value.length > 0 && value.length <= bulkSizeMax;
  if (!isList) return `must be a list of 1 to ${bulkSizeMax} slip ids`;
  return value.every((one) => name(one) === null) ? null : 'must hold texts';
}

function wrong(field: string, detail: string): SlipstreamError {
  return new SlipstreamError('validation_failed', 'The request has invalid fields.', {
    errors: [{ pointer: `/${field}`, detail }],
  });
}

/** The version that an If-Match header names (RFC 9110 section 13.1.1); null: any. @throws SlipstreamError malformed_request */
export function ifVersionOf({ headers }: ServiceRequest): number | null {
  const value = headers['if-match'];
  if (value === undefined || value === '*') return null;
  const version = versionInTag(String(value));
  if (version !== null) return version;
  throw new SlipstreamError('malformed_request', 'The If-Match header cannot be used.', {
    errors: [{ pointer: 'If-Match', detail: 'must be the ETag of a case, like "1", or *' }],
  });
}
