import { Ajv, type ErrorObject } from 'ajv';
import { isCollection, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { CliError } from '../exit.ts';
import { longSchema, wideSchema } from './mapping-schema.ts';

export type Path = readonly (string | number)[];

/** One thing wrong with the mapping file. */
export interface MappingProblem {
  readonly path: Path;
  readonly detail: string;
  /** The key is wrong, not its value. */
  readonly ofKey?: boolean;
}

/** A mapping file that is well-formed and has the right shape; where each part of it stands is kept for messages. */
export interface MappingFile {
  readonly content: unknown;
  /** All problems in one error, each as `file:line:column: what is wrong`. */
  refuse(problems: readonly MappingProblem[]): CliError;
}

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strictRequired: false });
const validators = { wide: ajv.compile(wideSchema), long: ajv.compile(longSchema) };

/** @throws CliError (usage) that names file, line and column of everything that is wrong */
export function readMappingFile(text: string, file: string): MappingFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw new CliError('usage', `${file}:${line}:${col}: ${syntax.message.split('\n')[0]}`);
  }
  const at = ({ path, ofKey = false }: MappingProblem): number =>
    nearest(document.contents, path, ofKey)?.range?.[0] ?? 0;
  const refuse = (problems: readonly MappingProblem[]): CliError => {
    const placed = problems.map((problem) => ({ offset: at(problem), detail: problem.detail }));
    placed.sort((a, b) => a.offset - b.offset);
    const told = placed.map(({ offset, detail }) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${detail}`;
    });
    return new CliError('usage', [...new Set(told)].join('\n'));
  };
  const content: unknown = document.toJS();
  const { layout } = (content ?? {}) as { layout?: unknown };
  if (typeof layout === 'string' && layout !== 'wide' && layout !== 'long') {
    const known = 'only wide (a row per slip) and long (a row per event)';
    throw refuse([{ path: ['layout'], detail: `the layout ${layout} cannot be imported, ${known}` }]);
  }
  const validate = layout === 'long' ? validators.long : validators.wide;
  if (!validate(content)) throw refuse((validate.errors ?? []).map((error) => toProblem(error, content)));
  return { content, refuse };
}

/** The node of `path` (or the key that leads to it), or the closest thing around it. */
function nearest(root: Node | null, path: Path, ofKey: boolean): Node | null {
  let node = root;
  for (const [depth, step] of path.entries()) {
    if (!isCollection(node)) return node;
    const next = node.get(step, true) as Node | undefined;
    if (!next) return node;
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
    // An empty value has no place of its own.
    const empty = isScalar(next) && next.value === null;
    node = pair && (empty || (ofKey && depth === path.length - 1)) ? (pair.key as Node) : next;
  }
  return node;
}

function toProblem(
  { instancePath, keyword, params, message }: ErrorObject,
  content: unknown,
): MappingProblem {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  const name = path.join('.') || 'the mapping';
  switch (keyword) {
    case 'required':
      return { path, detail: `${[...path, params.missingProperty].join('.')} is missing` };
    case 'additionalProperties':
      return {
        path: [...path, params.additionalProperty],
        detail: `${[...path, params.additionalProperty].join('.')} is no key that a mapping knows`,
        ofKey: true,
      };
    case 'enum':
      return { path, detail: `${name} must be one of ${params.allowedValues.join(', ')}` };
    case 'minProperties':
    case 'maxProperties':
      return { path, detail: `${name} must have exactly one of its keys` };
    default:
      return { path, detail: content === null ? 'the mapping is empty' : `${name} ${message}` };
  }
}
