import { ownedTypes } from '@slipstream/contracts';
import { causeClasses, causeCodes, slipKinds, slipStatuses } from '@slipstream/slip';

/** Values of filters that the API judges, by option: where it takes one of a few words, the shell offers them. */
export const knownWords: Readonly<Record<string, readonly string[]>> = {
  '--kind': slipKinds,
  '--status': slipStatuses,
  '--outcome': ['succeeded', 'failed', 'void'],
  // One of the classes is a code, too.
  '--cause': [...new Set([...causeClasses, ...causeCodes])],
  '--cause-code': causeCodes,
  '--case': ['open', 'closed', 'none'],
  '--type': ownedTypes,
  'breaks --type': [
    ...['missing_here', 'missing_there', 'amount', 'currency', 'status', 'duplicate', 'late', 'fee', 'gap'],
  ],
};
