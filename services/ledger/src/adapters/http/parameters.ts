import { typeProblem } from '@slipstream/contracts';
import { Parameters as CommonParameters, unusable } from '@slipstream/service-host';
import type { LogPosition } from '../../application/queries.ts';

export type Query = Readonly<Record<string, unknown>>;

/** What the ledger's collections are asked with, beside what all services are. */
export class Parameters extends CommonParameters {
  /** Types of events that have an owner: any other would find nothing, and say so. */
  types(name: string): readonly string[] {
    return this.texts(name).map((type) => {
      const problem = typeProblem(type);
      if (problem !== null) throw unusable(name, problem);
      return type;
    });
  }

  /** `partition:offset`, or `source:partition:seq` as intake's Slip-Position has it. */
  position(name: string): LogPosition | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = /^(?:(\/[^\s]+):)?(\d{1,9}):(\d{1,15})$/.exec(value);
    if (!match)
      throw unusable(name, 'must be a position: partition:offset, or the Slip-Position of an answer');
    return { source: match[1] ?? null, partition: Number(match[2]), number: Number(match[3]) };
  }
}
