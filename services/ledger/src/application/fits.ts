import type { SlipFilter, SlipTerm, SlipView } from './queries.ts';

/**
 * Whether a slip is one that was asked for, by what its events say: of fields that its row does not tell, or does not tell in
 * rows of an older release. What rows tell was looked at before.
 */
export function fits(
  { state }: Pick<SlipView, 'state'>,
  { terms, metadata, caller }: Pick<SlipFilter, 'terms' | 'metadata' | 'caller'>,
  written: Readonly<Record<string, string>>,
): boolean {
  if (caller !== null && state.caller !== caller) return false;
  return (
    terms.every((term) => isMet(term, state)) &&
    metadata.every(({ key, values, isNot }) => {
      const value = Object.hasOwn(written, key) ? written[key] : undefined;
      return (value !== undefined && values.includes(value)) !== isNot;
    })
  );
}

function isMet({ field, values, isNot }: SlipTerm, state: SlipView['state']): boolean {
  const has = (value: string | null) => value !== null && values.includes(value);
  switch (field) {
    case 'route':
      return has(state.route) !== isNot;
    case 'provider_reference':
      return has(state.providerReference) !== isNot;
    case 'lacks':
      return values.every((lacked) => isLacking(state, lacked)) !== isNot;
    default:
      return true;
  }
}

function isLacking(state: SlipView['state'], lacked: string): boolean {
  const fact = lacked === 'provider_reference' ? 'providerReference' : (lacked as 'provider');
  return state[fact] === null;
}
