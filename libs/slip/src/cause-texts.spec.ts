import { describe, expect, test } from '@jest/globals';
import { causeLanguages, causeTexts, remedyOf, shownCause } from './cause-texts.ts';
import type { Cause } from './events.ts';

const cause: Cause = {
  ...{ class: 'third_party', code: 'callback_lost', confidence: 90, evidence: ['e-1'] },
  summary: causeTexts.callback_lost.en.customer,
  remedy: remedyOf('executed', causeTexts.callback_lost.en.advice),
};

describe('a cause in words', () => {
  test('is one sentence each, for the customer without a name of ours or of a machine', () => {
    for (const { en, zh } of Object.values(causeTexts)) {
      for (const text of Object.values(en)) expect(text).toMatch(/^[A-Z].*\.$/);
      for (const text of Object.values(zh)) expect(text).toMatch(/^\p{Script=Han}.*。$/u);
      expect(en.customer).not.toMatch(/acme|kafka|postgres|ledger|gateway|ISO|base_url/i);
      expect(zh.customer).not.toMatch(/账本|网关|总线|数据库|ISO|base_url/);
    }
  });

  test('says in every language the same about repeating the order, to operator and customer', () => {
    const [en, zh] = causeLanguages.map((language) => shownCause(cause, language));
    expect(en).toMatchObject({
      code: 'callback_lost',
      evidence: ['e-1'],
      summary: causeTexts.callback_lost.en.operator,
      remedy: cause.remedy,
      customer: { summary: cause.summary, remedy: 'Do not repeat the order: the provider executed it.' },
    });
    expect(zh).toMatchObject({
      summary: causeTexts.callback_lost.zh.operator,
      customer: { remedy: '请勿重复提交：服务商已执行该订单。' },
    });
    expect(zh!.remedy.startsWith(zh!.customer.remedy)).toBe(true);
  });

  test('of another release stays as it was told', () => {
    const newer = { ...cause, code: 'of_tomorrow', summary: 'S.', remedy: 'R.' };
    expect(shownCause(newer, 'zh')).toEqual({ ...newer, customer: { summary: 'S.', remedy: '' } });
  });
});
