import { expect, test } from '@jest/globals';
import { isRepeated, type RediagnosisView, rediagnosisText } from './rediagnosed.ts';

const other = {
  was: 'reply_lost 85',
  now: 'gateway_stalled 85',
  rules: null,
  diagnoses: 3,
  repeated: null,
  slips: ['a', 'b'],
};
const view = (others: RediagnosisView['others']): RediagnosisView => ({
  ...{ records: 90, rules: 2, diagnoses: 10, same: 7, others },
});

test('diagnoses of other rules are shown with what they were and would be', () => {
  const [head, row, sum] = rediagnosisText(view([other])).split('\n');
  expect(head!.split(/ {2,}/)).toEqual(['was', 'now', 'by rules', 'diagnoses', 'slips']);
  expect(row!.split(/ {2,}/)).toEqual(['reply_lost 85', 'gateway_stalled 85', '-', '3', 'a b']);
  expect(sum).toBe('7 of 10 diagnoses are the same by the rules of version 2, 90 records read.');
  expect(isRepeated(view([other]))).toBe(true);
});

test('one that the rules that found it do not find again is wrong', () => {
  const broken = view([{ ...other, rules: 1, repeated: 2 }]);
  expect(isRepeated(broken)).toBe(false);
  expect(rediagnosisText(broken)).toContain('NOT');
  expect(isRepeated(view([{ ...other, rules: 1, repeated: 3 }]))).toBe(true);
});
