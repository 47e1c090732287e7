import { Ajv, type ErrorObject } from 'ajv';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Problem } from './problem.ts';
import { checkRules } from './rules-check.ts';
import { type RulesDocument, rulesSchema } from './rules-schema.ts';

export interface SourceResult {
  /** Null when there are problems. */
  readonly document: RulesDocument | null;
  /** The content before variables were put in: what the digest covers. */
  readonly raw: unknown;
  /** `line:column: reason`, in file order. */
  readonly problems: readonly string[];
}

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(rulesSchema);

/** Parses, fills in `${VARIABLES}`, and validates. Every problem carries its place in the text. */
export function readRulesSource(text: string, environment: Environment): SourceResult {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
  });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    return failed(
      broken.map(({ pos, message }) => ({ offset: pos[0], reason: message })),
      lines,
    );
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return failed([{ offset: 0, reason: (error as Error).message }], lines);
  }
  const missing = interpolate(document, environment);
  if (missing.length > 0) return failed(missing, lines);
  const value: unknown = document.toJS();
  const problems = validate(value)
    ? checkRules(value as RulesDocument)
    : (validate.errors ?? []).map(explain);
  if (problems.length > 0)
    return failed(
      problems.map((problem) => locate(document, problem)),
      lines,
    );
  return { document: value as RulesDocument, raw, problems: [] };
}

/** `line:column: path: reason` of what is wrong with a sound text at a path, as somebody found who knows more of it. */
export function problemAt(text: string, problem: Problem): string {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.2', lineCounter: lines, stringKeys: true });
  return failed([locate(document, problem)], lines).problems[0]!;
}

export type Environment = Readonly<Record<string, string | undefined>>;

interface Located {
  readonly offset: number;
  readonly reason: string;
}

function failed(problems: readonly Located[], lines: LineCounter): SourceResult {
  const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
  const texts = inOrder.map(({ offset, reason }) => {
    const { line, col } = lines.linePos(offset);
    return `${Math.max(line, 1)}:${Math.max(col, 1)}: ${reason}`;
  });
  return { document: null, raw: null, problems: [...new Set(texts)] };
}

/** Replaces `${NAME}` in string values; `$${` stays a plain `${`. */
function interpolate(document: Document, environment: Environment): Located[] {
  const problems: Located[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const offset = node.range?.[0] ?? 0;
      node.value = node.value.replace(
        /\$(\$\{)|\$\{([^}]*)\}?/g,
        (match, escaped?: string, name?: string) => {
          if (escaped) return escaped;
          if (!name || !match.endsWith('}') || !/^[A-Z_][A-Z0-9_]*$/.test(name)) {
            problems.push({ offset, reason: `${match} is not a variable like \${PROVIDER_URL}` });
            return '';
          }
          const value = environment[name];
          if (!value) problems.push({ offset, reason: `environment variable ${name} is not set` });
          return value ?? '';
        },
      );
    },
  });
  return problems;
}

function explain(error: ErrorObject): Problem {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  switch (error.keyword) {
    case 'additionalProperties':
      return { path: [...path, error.params.additionalProperty], reason: 'unknown key', key: true };
    case 'required':
      return { path, reason: `missing key ${error.params.missingProperty}` };
    case 'enum':
      return { path, reason: `must be one of ${error.params.allowedValues.join(', ')}` };
    case 'const':
      return { path, reason: `must be ${error.params.allowedValue}` };
    case 'propertyNames':
      return {
        path: [...path, error.params.propertyName],
        reason: 'not a name (a-z, 0-9, - and _)',
        key: true,
      };
    default:
      return { path, reason: error.message ?? error.keyword };
  }
}

/** The offset of the key or value at `path`, or of the nearest part of the path that the file has. */
function locate(document: Document, { path, reason, key }: Problem): Located {
  const label = path.length > 0 ? `${path.join('.')}: ` : '';
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetOf(document, path.slice(0, length), key === true && length === path.length);
    if (offset !== null) return { offset, reason: label + reason };
  }
  return { offset: document.range?.[0] ?? 0, reason: label + reason };
}

function offsetOf(document: Document, path: readonly (string | number)[], ofKey: boolean): number | null {
  const last = path.at(-1);
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(parent)
    ? parent.items.find((item) => isScalar(item.key) && item.key.value === last)
    : undefined;
  const node = pair && (ofKey || isMap(pair.value)) ? pair.key : document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
