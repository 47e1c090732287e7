import { ValidationPipe } from '@nestjs/common';
import { type FieldProblem, SlipstreamError } from '@slipstream/kernel';
import type { ValidationError } from 'class-validator';

/** More would only repeat the same mistake. */
const problemsMax = 100;
const unknownField = 'unknown field';

/**
 * The global pipe: checks bodies and parameter objects against their class-validator rules and converts nothing.
 * Unknown fields are malformed_request (400), wrong values validation_failed (422), each with JSON pointers.
 */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    transformOptions: { enableImplicitConversion: false },
    exceptionFactory: toError,
  });
}

function toError(errors: readonly ValidationError[]): SlipstreamError {
  const found = errors.flatMap((error) => flatten(error, ''));
  const isUnknown = ({ rule }: Finding) => rule === 'whitelistValidation';
  const bare = ({ pointer, detail }: Finding): FieldProblem => ({ pointer, detail });
  return wrongFields(found.filter(isUnknown).map(bare), found.map(bare));
}

/** What is thrown for fields that do not exist and fields with wrong values: the first tell more. */
export function wrongFields(
  unknown: readonly FieldProblem[],
  wrong: readonly FieldProblem[],
): SlipstreamError {
  return unknown.length > 0
    ? new SlipstreamError('malformed_request', 'The request has fields that do not exist.', {
        errors: unknown.slice(0, problemsMax),
      })
    : new SlipstreamError('validation_failed', 'The request has fields with wrong values.', {
        errors: wrong.slice(0, problemsMax),
      });
}

interface Finding extends FieldProblem {
  readonly rule: string;
}

function flatten(error: ValidationError, parent: string): Finding[] {
  const pointer = `${parent}/${escapePointer(error.property ?? '')}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, detail]) => ({
    rule,
    pointer,
    detail: rule === 'whitelistValidation' ? unknownField : detail,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, pointer))];
}

/** What is wrong with each field's value, as a text that fits behind its name; null when nothing is. */
export type FieldChecks = Readonly<Record<string, (value: unknown) => string | null>>;

/**
 * Checks an object that came from outside, at `pointer`, without class-validator: for requests that come by the thousand.
 * What is found goes where the caller collects it for {@link wrongFields}.
 */
export function checkFields(
  object: object,
  checks: FieldChecks,
  found: { readonly unknown: FieldProblem[]; readonly wrong: FieldProblem[] },
  pointer = '',
): void {
  const values = object as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(checks, name)) continue;
    found.unknown.push({ pointer: `${pointer}/${escapePointer(name)}`, detail: unknownField });
  }
  for (const name of Object.keys(checks)) {
    const detail = checks[name]!(values[name]);
    if (detail !== null) found.wrong.push({ pointer: `${pointer}/${name}`, detail });
  }
}

/** RFC 6901 section 3. */
function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
