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
    readonly slips: readonly string[];
  }[];
}

/** The same rules must find the same; other ones may find something else. */
export function isRepeated({ rules, others }: RediagnosisView): boolean {
  return others.every((other) => other.rules !== rules);
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
  const broken = isRepeated(view) ? [] : ['Those of this version are NOT what the log gives.'];
  return [...shown, sum, ...broken].join('\n');
}
