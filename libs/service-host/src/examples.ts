import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';

/**
 * A request and its answer, as they once were: recorded by the spec that sends what the descriptions show
 * (`test/e2e/http-contract.e2e.spec.ts`), by the id of the operation.
 */
export interface Example {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  /** Absent: it answers with no JSON. */
  readonly answer?: unknown;
}

export type Examples = Readonly<Record<string, Example>>;

interface Content {
  example?: unknown;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly schema?: { readonly type?: string };
  example?: unknown;
}

/** What {@link showExamples} looks at of an operation. */
interface Operation {
  readonly operationId?: string;
  readonly parameters?: Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

/** Those of the routes that every service has, and then a service's own. */
export function readExamples(own: URL | undefined): Examples {
  const shared = new URL('../examples.json', import.meta.url);
  return Object.assign({}, ...[shared, ...(own ? [own] : [])].map(readOne)) as Examples;
}

const readOne = (file: URL): Examples => JSON.parse(readFileSync(file, 'utf8')) as Examples;

/** Shows with each operation of a description what it was asked with, and what it answered. */
export function showExamples({ paths }: OpenAPIObject, examples: Examples): void {
  for (const item of Object.values(paths)) {
    for (const operation of Object.values(item) as unknown[]) {
      if (typeof operation !== 'object' || operation === null || !('responses' in operation)) continue;
      const { operationId = '' } = operation as Operation;
      const example = examples[operationId];
      if (example) show(operation as Operation, example);
    }
  }
}

function show({ parameters = [], requestBody, responses }: Operation, example: Example): void {
  const said = { path: example.path ?? {}, query: example.query ?? {} };
  for (const parameter of parameters) {
    const value = said[parameter.in as keyof typeof said]?.[parameter.name];
    if (value !== undefined) parameter.example = typed(value, parameter);
  }
  const [body] = Object.values(requestBody?.content ?? {});
  if (body && example.body !== undefined) body.example = example.body;
  const content = responses[example.status]?.content ?? {};
  const [answer] = Object.entries(content).flatMap(([type, one]) => (isJson(type) ? [one] : []));
  if (answer && example.answer !== undefined) answer.example = example.answer;
}

/** As the schema has it: what is sent is text. */
function typed(value: string, { schema }: Parameter): unknown {
  switch (schema?.type) {
    case 'integer':
    case 'number':
      return Number(value);
    case 'array':
      return [value];
    default:
      return value;
  }
}

const isJson = (type: string): boolean => /[/+]json$/.test(type);
