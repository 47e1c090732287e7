import type { OpenAPIObject } from '@nestjs/swagger';

type Json = Record<string, unknown>;

/**
 * Says of what is sent to us that it has the named fields and no other, as every service has it: whoever makes a client of the
 * description learns of a mistyped field before it is refused. What comes in answers stays open: a later release may add to it.
 */
export function closeBodies(document: OpenAPIObject): void {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Json>;
  const asked = new Set<Json>();
  const answered = new Set<Json>();
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path) as unknown[])) {
    const { requestBody, responses } = (operation ?? {}) as { requestBody?: unknown; responses?: unknown };
    reach(requestBody, schemas, asked);
    reach(responses, schemas, answered);
  }
  for (const schema of asked) {
    if (answered.has(schema) || schema.properties === undefined || 'additionalProperties' in schema) continue;
    schema.additionalProperties = false;
  }
}

/** Every object below it, through references too. */
function reach(value: unknown, schemas: Readonly<Record<string, Json>>, found: Set<Json>): void {
  if (typeof value !== 'object' || value === null || found.has(value as Json)) return;
  found.add(value as Json);
  const { $ref } = value as { $ref?: unknown };
  if (typeof $ref === 'string') reach(schemas[$ref.replace('#/components/schemas/', '')], schemas, found);
  for (const below of Object.values(value)) reach(below, schemas, found);
}
