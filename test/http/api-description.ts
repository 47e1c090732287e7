import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { request } from 'undici';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly example?: unknown;
}

interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
}

/** What the description says of one method of one path. */
export interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
  readonly security?: readonly object[];
}

export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly service: string;
  readonly url: string;
  readonly method: string;
  /** With `{name}` for its parameters. */
  readonly path: string;
  readonly described: DescribedOperation;
  readonly document: ApiDocument;
}

/** The services as `stack` names their URLs, and as they name themselves. */
export const services = {
  INTAKE_URL: 'intake',
  GATEWAY_URL: 'provider-gateway',
  LEDGER_URL: 'ledger',
  RECONCILIATION_URL: 'reconciliation',
} as const;

/** Every operation that the running services describe. @throws Error when one has no description */
export async function readOperations(env: Readonly<Record<string, string>>): Promise<Operation[]> {
  const all = await Promise.all(
    Object.entries(services).map(async ([variable, service]) => {
      const url = env[variable]!;
      const { statusCode, body } = await request(new URL('/openapi.json', url));
      if (statusCode !== 200) throw new Error(`${service} answered ${statusCode} to GET /openapi.json`);
      return operationsOf(service, url, (await body.json()) as ApiDocument);
    }),
  );
  return all.flat();
}

/** What the usual linters find wrong with descriptions, by names of their services. */
export async function lintApis(documents: Readonly<Record<string, unknown>>): Promise<string[]> {
  const linting = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'lint-api.mjs')]);
  linting.child.stdin!.end(JSON.stringify(documents));
  return JSON.parse((await linting).stdout) as string[];
}

const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace']);

function operationsOf(service: string, url: string, document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.has(method))
      .map(([method, described]) => ({
        service,
        url,
        method: method.toUpperCase(),
        path,
        described,
        document,
      })),
  );
}

export const nameOf = ({ service, method, path }: Operation): string => `${service} ${method} ${path}`;

/** What a reference leads to; the schema itself where it is none. */
export function resolved(schema: Schema, document: ApiDocument): Schema {
  if (schema.allOf?.length === 1) return resolved(schema.allOf[0]!, document);
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.replace('#/components/schemas/', '');
  const found = document.components.schemas[name];
  if (!found) throw new Error(`${schema.$ref} leads nowhere`);
  return resolved(found, document);
}

/** The body that the description's own examples, defaults and words make; what has none of them is left out if it may be. */
export function exampleOf(schema: Schema, document: ApiDocument): unknown {
  const {
    example,
    default: fallback,
    enum: words,
    properties,
    required = [],
    items,
  } = resolved(schema, document);
  if (example !== undefined) return example;
  if (fallback !== undefined) return fallback;
  if (words) return words[0];
  if (items) {
    const one = exampleOf(items, document);
    return one === undefined ? undefined : [one];
  }
  if (!properties) return undefined;
  const fields = Object.entries(properties).map(
    ([name, field]) => [name, exampleOf(field, document)] as const,
  );
  for (const [name, value] of fields) {
    if (value === undefined && required.includes(name)) throw new Error(`${name} has no example`);
  }
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}
