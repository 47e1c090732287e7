import { table } from '../output/table.ts';

/** What reconciliation's program says of diagnoses that were made again. */
export interface RediagnosisView {
  readonly records: number;
  readonly rules: number;
  readonly diagnoses: number;
  readonly same: number;
  readonly others: readonly {
    readonly was: string;
    readonly now: string;
    readonly rules: number | null;
    readonly diagnoses: number;
    /** How many of them the version that found them still finds; null: it cannot be asked any more. */
    readonly repeated: number | null;
    readonly slips: readonly string[];
  }[];
}

/** The rules that found something must find it again, in this release too; other ones may find something else. */
export function isRepeated({ others }: RediagnosisView): boolean {
  return others.every(({ diagnoses, repeated }) => repeated === null || repeated === diagnoses);
}

export function rediagnosisText(view: RediagnosisView): string {
  const { records, rules, diagnoses, same, others } = view;
  const rows = others.map((other) => [
    other.was,
    other.now,
    other.rules === null ? '-' : String(other.rules),
    String(other.diagnoses),
    other.slips.join(' '),
  ]);
  const shown = rows.length === 0 ? [] : [table([['was', 'now', 'by rules', 'diagnoses', 'slips'], ...rows])];
  const sum = `${same} of ${diagnoses} diagnoses are the same by the rules of version ${rules}, ${records} records read.`;
  const broken = isRepeated(view) ? [] : ['Some are NOT what the log gives by the rules that found them.'];
  return [...shown, sum, ...broken].join('\n');
}
