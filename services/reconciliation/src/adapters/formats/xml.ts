import sax from 'sax';
import { StatementRefused } from '../../domain/statement/statement.ts';

const depthMax = 64;
/** Of one piece, such as an entry with all its transactions. */
const pieceElementsMax = 2_000_000;

/** A piece of the document, read whole. */
export class Element {
  readonly name: string;
  readonly line: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[] = [];
  #text = '';

  constructor(name: string, line: number, attributes: Readonly<Record<string, string>>) {
    this.name = name;
    this.line = line;
    this.attributes = attributes;
  }

  get text(): string {
    return this.#text.trim();
  }

  write(text: string): void {
    this.#text += text;
  }

  all(name: string): readonly Element[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The first one down a path. */
  find(...path: readonly string[]): Element | undefined {
    let at: Element | undefined = this;
    for (const name of path) at = at?.children.find((child) => child.name === name);
    return at;
  }

  /** @throws StatementRefused when there is none */
  need(name: string): Element {
    const found = this.find(name);
    if (!found) throw new StatementRefused(this.line, `${this.name} has no ${name}`);
    return found;
  }
}

export type XmlEvent =
  | { readonly kind: 'namespace'; readonly uri: string; readonly line: number }
  | { readonly kind: 'begin'; readonly line: number }
  | { readonly kind: 'end'; readonly line: number }
  | { readonly kind: 'piece'; readonly element: Element; readonly line: number };

/**
 * The children of each element `whole`, one after the other: only one of them is in memory. A document type is refused, so there are no
 * entities but XML's own five, and nothing is fetched or blown up.
 * @param wanted names of the children that are told; the others are passed over
 * @throws StatementRefused for what is not well-formed
 */
export function* elementsOf(
  chunks: Iterable<string>,
  whole: string,
  wanted: ReadonlySet<string>,
): Generator<XmlEvent> {
  const options: sax.SAXOptions & { readonly strictEntities: boolean } = {
    ...{ xmlns: true, position: true, strictEntities: true },
  };
  const parser = sax.parser(true, options);
  const stack: Element[] = [];
  let ready: XmlEvent[] = [];
  let depth = 0;
  let wholeDepth = -1;
  let elements = 0;
  const line = () => parser.line + 1;
  const refuse = (why: string): never => {
    throw new StatementRefused(line(), why);
  };
  parser.onerror = (error) => refuse(`the XML is not well-formed: ${error.message.split('\n')[0]}`);
  parser.ondoctype = () => refuse('a document type is not taken');
  parser.onopentag = (node) => {
    const tag = node as sax.QualifiedTag;
    depth += 1;
    if (depth > depthMax) refuse(`elements lie deeper than ${depthMax} in each other`);
    if (depth === 1) ready.push({ kind: 'namespace', uri: tag.uri, line: line() });
    if (stack.length > 0 || (wholeDepth >= 0 && depth === wholeDepth + 1 && wanted.has(tag.local))) {
      elements += 1;
      if (elements > pieceElementsMax) refuse('it has too many elements');
      const attributes = Object.fromEntries(
        Object.values(tag.attributes).map((one) => [one.local, one.value]),
      );
      const element = new Element(tag.local, line(), attributes);
      stack.at(-1)?.children.push(element);
      stack.push(element);
    } else if (tag.local === whole && wholeDepth < 0) {
      wholeDepth = depth;
      ready.push({ kind: 'begin', line: line() });
    }
  };
  parser.ontext = (text) => stack.at(-1)?.write(text);
  parser.oncdata = (text) => stack.at(-1)?.write(text);
  parser.onclosetag = () => {
    const element = stack.pop();
    if (element && stack.length === 0) {
      elements = 0;
      ready.push({ kind: 'piece', element, line: element.line });
    } else if (depth === wholeDepth) {
      wholeDepth = -1;
      ready.push({ kind: 'end', line: line() });
    }
    depth -= 1;
  };
  for (const chunk of chunks) {
    parser.write(chunk);
    const events = ready;
    ready = [];
    yield* events;
  }
  parser.close();
  yield* ready;
}
