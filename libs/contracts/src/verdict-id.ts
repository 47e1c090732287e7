import type { Instant } from '@slipstream/kernel';
import type { Stage } from '@slipstream/slip';
import { v5 } from 'uuid';

/** UUIDv5 namespace of verdicts (RFC 9562); changing it would give every verdict a second id. */
const namespace = '5f0d9a0e-6c2b-5d4e-8a53-1d6b7c2f9e10';

/** The id of the verdict that a slip's stage did not end by its deadline (rule 6): the same whoever finds it, and when. */
export function verdictId(slipId: string, stage: Stage, deadline: Instant): string {
  return v5(`${slipId}|${stage}|${deadline}`, namespace);
}
