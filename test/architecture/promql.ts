import { parser } from '@prometheus-io/lezer-promql';

type Node = ReturnType<typeof parser.parse>['topNode'];

/** A metric that an expression asks for. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly {
    readonly label: string;
    readonly isPattern: boolean;
    readonly value: string;
  }[];
  /** What the aggregations around it keep. */
  readonly keptLabels: readonly string[];
}

/** @throws Error where the expression is none */
export function selectorsIn(expression: string): Selector[] {
  const top = parser.parse(expression).topNode;
  const found: Selector[] = [];
  const visit = (node: Node, kept: readonly string[]): void => {
    if (node.type.isError) throw new SyntaxError(`at ${node.from} of ${expression}`);
    const own = node.name === 'AggregateExpr' ? [...kept, ...labelsKept(node, expression)] : kept;
    if (node.name === 'VectorSelector') found.push(selectorOf(node, expression, kept));
    for (const child of childrenOf(node)) visit(child, own);
  };
  visit(top, []);
  return found;
}

/** The labels of what it gives, where that is said by an aggregation or, of a metric that rules record, known. */
export function resultLabels(expression: string, recorded: ReadonlyMap<string, readonly string[]>): string[] {
  const first = (node: Node): readonly string[] | undefined => {
    if (node.name === 'AggregateExpr') return labelsKept(node, expression);
    if (node.name === 'VectorSelector') return recorded.get(selectorOf(node, expression, []).metric);
    for (const child of childrenOf(node)) {
      const labels = first(child);
      if (labels !== undefined) return labels;
    }
    return undefined;
  };
  return [...(first(parser.parse(expression).topNode) ?? [])];
}

function labelsKept(aggregation: Node, expression: string): string[] {
  const labels = aggregation.getChild('AggregateModifier')?.getChild('GroupingLabels');
  return labels ? labels.getChildren('LabelName').map((label) => textOf(label, expression)) : [];
}

function selectorOf(node: Node, expression: string, keptLabels: readonly string[]): Selector {
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return {
    metric: textOf(node.getChild('Identifier')!, expression),
    matchers: matchers.map((matcher) => ({
      label: textOf(matcher.getChild('LabelName')!, expression),
      isPattern: textOf(matcher.getChild('MatchOp')!, expression).endsWith('~'),
      value: textOf(matcher.getChild('StringLiteral')!, expression).slice(1, -1),
    })),
    keptLabels,
  };
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function textOf({ from, to }: Node, expression: string): string {
  return expression.slice(from, to);
}
