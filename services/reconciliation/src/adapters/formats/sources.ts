import type { StatementSourceRules } from '@slipstream/rules';
import type { StatementSource } from '../../application/statements/ports.ts';
import { type FileForm, readParts } from './read.ts';

/** The sources of the rules, as files are taken from them. */
export function statementSources(
  rules: ReadonlyMap<string, StatementSourceRules>,
): ReadonlyMap<string, StatementSource> {
  return new Map([...rules].map(([name, one]) => [name, sourceOf(one)]));
}

function sourceOf(rules: StatementSourceRules): StatementSource {
  const { name, provider, format, daysMax, tolerances } = rules;
  const form = formOf(rules);
  return {
    ...{ name, provider, format },
    terms: { daysMax, tolerances },
    read: (body, statement) => readParts(body, form, statement),
  };
}

function formOf({ format, encoding, codes, csv }: StatementSourceRules): FileForm {
  return format === 'csv' ? { format, encoding, csv: csv! } : { format, encoding, codes };
}
