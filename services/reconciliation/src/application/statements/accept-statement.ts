import { type Day, type StatementLine, type StatementPart } from '../../domain/statement/statement.ts';
import { Adder } from '../../domain/statement/totals.ts';
import type { KeptLine, StatementFile, StatementStore } from './ports.ts';

/** Lines written at a time: so many are in memory, however many there are. */
const linesMax = 1_000;

/**
 * Reads a file, adds it up, and keeps it in one transaction: refused, it has changed nothing; given again, by its key or as the same
 * file, it is the one that it was. One whose lines a database that was put back does not have gets them again.
 * @throws StatementRefused
 */
export async function acceptStatement(
  store: StatementStore,
  newId: () => string,
  file: StatementFile,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  return store.accept(async (intake) => {
    const known = await intake.known(file);
    if (known !== null && !known.isLost) return { id: known.id, isNew: false };
    const id = known?.id ?? newId();
    const isNew = known === null;
    intake.begin(id, file);
    const adder = new Adder();
    let page: KeptLine[] = [];
    let n = 0;
    let bookedFrom: Day | null = null;
    let bookedTo: Day | null = null;
    for await (const part of file.source.read(file.body, file.source.name)) {
      adder.add(part);
      for (const line of movementsOf(part)) {
        page.push({ ...line, n: ++n, account: adder.statements.length });
        if (bookedFrom === null || line.bookedOn < bookedFrom) bookedFrom = line.bookedOn;
        if (bookedTo === null || line.bookedOn > bookedTo) bookedTo = line.bookedOn;
      }
      if (page.length < linesMax) continue;
      await intake.lines(id, page);
      page = [];
    }
    await intake.lines(id, page);
    await intake.accept({
      ...{ id, file, bookedFrom, bookedTo, isNew },
      accounts: adder.statements,
      lines: n,
    });
    return { id, isNew };
  });
}

function movementsOf(part: StatementPart): readonly StatementLine[] {
  if (part.part === 'line') return [part.movement];
  return part.part === 'entry' ? part.movements : [];
}
