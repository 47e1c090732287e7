import { ValidationPipe } from '@nestjs/common';
import { type FieldProblem, SlipstreamError } from '@slipstream/kernel';
import type { ValidationError } from 'class-validator';

/** More would only repeat the same mistake. */
const problemsMax = 100;

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
  const unknown = found.filter(({ rule }) => rule === 'whitelistValidation');
  const shown = (unknown.length > 0 ? unknown : found).slice(0, problemsMax);
  const fields = shown.map(({ pointer, detail }): FieldProblem => ({ pointer, detail }));
  return unknown.length > 0
    ? new SlipstreamError('malformed_request', 'The request has fields that do not exist.', {
        errors: fields,
      })
    : new SlipstreamError('validation_failed', 'The request has fields with wrong values.', {
        errors: fields,
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
    detail: rule === 'whitelistValidation' ? 'unknown field' : detail,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, pointer))];
}

/** RFC 6901 section 3. */
function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
