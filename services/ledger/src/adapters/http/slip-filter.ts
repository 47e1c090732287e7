import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { CallerIdentity } from '@slipstream/identity';
import { SlipstreamError } from '@slipstream/kernel';
import { unusable } from '@slipstream/service-host';
import { causeClasses, causeCodes, slipKinds, slipStatuses, wallClock } from '@slipstream/slip';
import {
  lackable,
  type SlipField,
  type SlipFilter,
  type SlipTerm,
  slipFields,
} from '../../application/queries.ts';
import { Parameters, type Query } from './parameters.ts';
import { ownerFor, readsMetadata } from './visible.ts';

const yesOrNo = ['true', 'false'] as const;

/** Fields whose values are of a closed set. */
const words: Partial<Readonly<Record<SlipField, readonly string[]>>> = {
  kind: slipKinds,
  status: slipStatuses,
  outcome: ['succeeded', 'failed', 'void'],
  // One of the classes is a code, too.
  cause: [...new Set([...causeClasses, ...causeCodes])],
  cause_code: causeCodes,
  case: ['open', 'closed', 'none'],
  overdue: yesOrNo,
  not_returned: yesOrNo,
  lacks: lackable,
};

const meanings: Partial<Readonly<Record<SlipField, string>>> = {
  reference_prefix: 'how the reference begins',
  provider_reference: "the provider's own name of the slip",
  cause: 'class or code of the diagnosed cause',
  case: 'none: people never had to look at it',
  overdue: 'was not returned in time: stays true whatever came later',
  not_returned: 'was not returned in time, and no answer has come since: stays true after a refund',
  lacks: 'what is not known of the slip',
};

/** Fields that a count can be asked with: rows tell them. */
export const countedFields = slipFields.filter(
  (field) =>
    field !== 'route' && field !== 'provider_reference' && field !== 'not_returned' && field !== 'lacks',
);

/** Fields that never change, or hardly ever: what an event's slip has when it is read. */
export const steadyFields: readonly SlipField[] = [
  'reference',
  'reference_prefix',
  'account',
  'counterparty',
  'provider',
  'route',
  'kind',
  'currency',
];

const times = ['submitted_from', 'submitted_to', 'deadline_from', 'deadline_to'] as const;
const amounts = ['amount_min', 'amount_max'] as const;
const negated = (field: string) => `${field}.not`;
const metadataPrefix = 'metadata.';

/** Describes a parameter that may be repeated, for any of its values. */
export const ApiSeveral = (name: string, description = 'repeat it for several values') =>
  ApiQuery({
    name,
    required: false,
    schema: { type: 'array', items: { type: 'string' } },
    explode: true,
    description,
  });

/** Describes the filters that {@link readSlipFilter} reads. */
export function ApiSlipFilter(fields: readonly SlipField[] = slipFields, { ranges = true } = {}) {
  const described = fields.flatMap((field) => {
    const items = { type: 'string' as const, ...(words[field] && { enum: [...words[field]] }) };
    const schema = { type: 'array' as const, items };
    const meaning = meanings[field] ?? '';
    return [
      ApiQuery({
        name: field,
        required: false,
        schema,
        explode: true,
        description: `${meaning}; repeat it for several values`.replace(/^; /, ''),
      }),
      ApiQuery({
        name: negated(field),
        required: false,
        schema,
        explode: true,
        description: 'none of these',
      }),
    ];
  });
  if (!ranges) return applyDecorators(...described);
  return applyDecorators(
    ...described,
    ApiQuery({ name: 'clock', required: false, description: 'default: wall' }),
    ApiQuery({ name: 'submitted_from', required: false, description: 'RFC 3339, included' }),
    ApiQuery({ name: 'submitted_to', required: false, description: 'RFC 3339, not included' }),
    ApiQuery({
      name: 'amount_min',
      required: false,
      description: 'minor units, included; needs one currency',
    }),
    ApiQuery({
      name: 'amount_max',
      required: false,
      description: 'minor units, included; needs one currency',
    }),
  );
}

export interface ReadFilter {
  readonly filter: SlipFilter;
  readonly parameters: Parameters;
}

/**
 * What slips are asked for. A parameter that is repeated means any of its values, `name.not` none of them.
 * @param others parameters of the route beside the filters
 * @throws SlipstreamError malformed_request; forbidden for metadata without its scope
 */
export function readSlipFilter(
  query: Query,
  caller: CallerIdentity,
  others: readonly string[],
  fields: readonly SlipField[] = slipFields,
): ReadFilter {
  const isWhole = fields === slipFields;
  const written = isWhole ? Object.keys(query).filter((name) => name.startsWith(metadataPrefix)) : [];
  const singles = ['clock', ...(isWhole ? times : times.slice(0, 2)), ...amounts, ...others];
  const several = [...termNames(fields), ...written];
  const parameters = new Parameters(query, singles, several);
  if (written.length > 0 && !readsMetadata(caller)) {
    throw new SlipstreamError('forbidden', 'Asking by metadata needs the scope metadata:read.');
  }
  const terms = readTerms(parameters, fields);
  const [amountMin, amountMax] = amounts.map((name) => minorUnits(parameters, name, terms));
  if (amountMin !== undefined && amountMax !== undefined && amountMax < amountMin)
    throw unusable('amount_max', 'must not be below amount_min');
  const [submittedFrom, submittedTo] = parameters.span('submitted_from', 'submitted_to');
  const [deadlineFrom, deadlineTo] = isWhole ? parameters.span('deadline_from', 'deadline_to') : [];
  const filter: SlipFilter = {
    clock: parameters.text('clock') ?? wallClock,
    terms,
    metadata: written.map((name) => metadataTerm(parameters, name)),
    caller: ownerFor(caller),
    ...{ submittedFrom, submittedTo, deadlineFrom, deadlineTo },
    amountMin,
    amountMax,
  };
  return { filter, parameters };
}

/** The parameters that {@link readTerms} reads. */
export function termNames(fields: readonly SlipField[]): readonly string[] {
  return fields.flatMap((field) => [field, negated(field)]);
}

export function readTerms(parameters: Parameters, fields: readonly SlipField[]): readonly SlipTerm[] {
  return fields.flatMap((field) => [false, true].flatMap((isNot) => termOf(parameters, field, isNot) ?? []));
}

function termOf(parameters: Parameters, field: SlipField, isNot: boolean): SlipTerm | null {
  const name = isNot ? negated(field) : field;
  const known = words[field];
  const values = known ? parameters.words(name, known) : valuesOf(parameters, field, name);
  return values.length === 0 ? null : { field, values, isNot };
}

function valuesOf(parameters: Parameters, field: SlipField, name: string): readonly string[] {
  return field === 'currency' ? parameters.currencies(name) : parameters.texts(name);
}

function metadataTerm(parameters: Parameters, name: string): SlipFilter['metadata'][number] {
  const isNot = name.endsWith('.not');
  const key = name.slice(metadataPrefix.length, isNot ? -'.not'.length : undefined);
  if (key === '') throw unusable(name, 'name a key, as in metadata.order_no');
  return { key, values: parameters.texts(name), isNot };
}

/** Minor units of one currency: 100 of one is worth thousands of another. */
function minorUnits(parameters: Parameters, name: string, terms: readonly SlipTerm[]): bigint | undefined {
  const value = parameters.text(name);
  if (value === undefined) return undefined;
  if (!/^\d{1,19}$/.test(value)) throw unusable(name, 'must be an amount in minor units, as in 1250');
  const isOfOne = terms.some(
    ({ field, values, isNot }) => field === 'currency' && !isNot && values.length === 1,
  );
  if (!isOfOne) throw unusable(name, 'needs one currency beside it, as in currency=EUR');
  return BigInt(value);
}
