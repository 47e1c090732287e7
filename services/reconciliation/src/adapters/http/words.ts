import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { Parameters } from '@slipstream/service-host';
import type { Words } from '../../application/words.ts';

const negated = (name: string) => `${name}.not`;

/** The parameters of a filter that may be repeated, for any of its values, and `name.not` for none of them. */
export const wordNames = (names: readonly string[]): readonly string[] =>
  names.flatMap((name) => [name, negated(name)]);

/** @throws SlipstreamError malformed_request for a word that there is not */
export function wordsOf(parameters: Parameters, name: string): Words;
export function wordsOf<const Word extends string>(
  parameters: Parameters,
  name: string,
  known: readonly Word[],
): Words<Word>;
export function wordsOf(parameters: Parameters, name: string, known?: readonly string[]): Words {
  const read = (one: string) => (known ? parameters.words(one, known) : parameters.texts(one));
  return { any: read(name), none: read(negated(name)) };
}

/** Describes both. */
export function ApiWords(
  name: string,
  { known, meaning = '' }: { readonly known?: readonly string[]; readonly meaning?: string } = {},
) {
  const items = { type: 'string' as const, ...(known && { enum: [...known] }) };
  const several = { required: false, schema: { type: 'array' as const, items }, explode: true };
  return applyDecorators(
    ApiQuery({
      name,
      ...several,
      description: `${meaning}; repeat it for several values`.replace(/^; /, ''),
    }),
    ApiQuery({ name: negated(name), ...several, description: 'none of these' }),
  );
}
