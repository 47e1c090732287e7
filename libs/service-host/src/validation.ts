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
 * A body as it came, without class-validator: for requests that come by the thousand. Nothing is converted.
 * @param inner checks of those fields that hold objects themselves
 * @throws SlipstreamError malformed_request for fields that do not exist; validation_failed for wrong values
 */
export function checkObject<Body extends object>(
  body: unknown,
  checks: FieldChecks,
  inner: Readonly<Record<string, FieldChecks>> = {},
): Body {
  if (!isObject(body)) throw new SlipstreamError('validation_failed', 'The body must be a JSON object.');
  const found: Found = { unknown: [], wrong: [] };
  checkFields(body, checks, found);
  const values = body as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(inner)) {
    const value = values[name];
    if (isObject(value)) checkFields(value, inner[name]!, found, `/${name}`);
  }
  if (found.unknown.length > 0 || found.wrong.length > 0) throw wrongFields(found.unknown, found.wrong);
  return body as Body;
}

/** Whether it is what JSON calls an object. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Found {
  readonly unknown: FieldProblem[];
  readonly wrong: FieldProblem[];
}

function checkFields(object: object, checks: FieldChecks, found: Found, pointer = ''): void {
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
