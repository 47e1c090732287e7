import { Accounts } from './accounts.ts';
import { KnownSlips } from './known-slips.ts';
import { KnownTrees } from './log-trees.ts';

/** What is remembered of committed rows that nobody else writes, as long as this process owns their partition. */
export class Remembered {
  readonly accounts = new Accounts();
  readonly slips: KnownSlips;
  readonly trees = new KnownTrees();

  constructor(slips = new KnownSlips()) {
    this.slips = slips;
  }

  forget(partition: number): void {
    this.accounts.forget(partition);
    this.slips.forget(partition);
    this.trees.forget(partition);
  }
}
