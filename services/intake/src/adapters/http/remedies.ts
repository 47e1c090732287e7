import type { SubmissionRule } from '../../domain/submission/refusal.ts';

/** What helps whoever was refused, in the languages that a request may ask for. */
export type Remedy = Readonly<Record<Language, string>>;

export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

/** Closed: a rule without its remedy does not compile. */
export const remedies: Readonly<Record<SubmissionRule, Remedy>> = {
  same_account: {
    en: 'Name the account that is paid; it must be another one than the payer’s.',
    zh: '请填写收款账户，收款账户不能与付款账户相同。',
  },
  route_unknown: {
    en: 'Use one of the configured routes, or leave the route out.',
    zh: '请使用已配置的路由，或不填写路由。',
  },
  kind_not_on_route: {
    en: 'Use a route that takes this kind of slip, or another kind.',
    zh: '请使用支持该类型的路由，或更换类型。',
  },
  route_not_reported: {
    en: 'Import over a route of mode reported.',
    zh: '导入时请使用 reported 模式的路由。',
  },
  deadline_in_past: {
    en: 'Send a later deadline, or none: then the route decides.',
    zh: '请提供更晚的截止时间，或不填写，由路由决定。',
  },
  deadline_too_close: {
    en: 'Send a later deadline, or none: then the route decides.',
    zh: '请提供更晚的截止时间，或不填写，由路由决定。',
  },
  deadline_too_far: {
    en: 'Send a deadline within one year.',
    zh: '请提供一年以内的截止时间。',
  },
  wait_too_long: {
    en: 'Wait as long as Retry-After says, then send it again; or allow it a later deadline.',
    zh: '请按 Retry-After 等待后重新提交，或提供更晚的截止时间。',
  },
  throttled: {
    en: 'Wait as long as Retry-After says, then send it again, and fewer at once.',
    zh: '请按 Retry-After 等待后重新提交，并减少同时提交的数量。',
  },
  clock_closed: {
    en: 'Import under another clock: this one has ended.',
    zh: '该时钟已关闭，请使用另一个时钟导入。',
  },
  field_required: {
    en: 'Add the field that is named, and submit again.',
    zh: '请补充所指出的字段后重新提交。',
  },
  method_missing: {
    en: 'Say in metadata.method which method is meant: exactly one of those that are listed.',
    zh: '请在 metadata.method 中填写支付方式，且只能是所列方式之一。',
  },
  method_not_allowed: {
    en: 'Use exactly one of the listed methods, spelled as listed, or another route.',
    zh: '请严格按所列写法只填写一种支付方式，或更换路由。',
  },
  currency_not_allowed: {
    en: 'Use one of the listed currencies, or another route.',
    zh: '请使用所列币种之一，或更换路由。',
  },
  amount_too_small: {
    en: 'Submit a larger amount, or use a route that takes small ones.',
    zh: '请提高金额，或使用支持小额的路由。',
  },
  amount_too_large: {
    en: 'Submit a smaller amount, or use a route that takes large ones.',
    zh: '请降低金额，或使用支持大额的路由。',
  },
  cut_off: {
    en: 'Submit again within the hours that are named, or use another route.',
    zh: '请在所示时段内重新提交，或更换路由。',
  },
  account_unknown: {
    en: 'Ask the operators to open the account.',
    zh: '请联系运营人员开通该账户。',
  },
  account_frozen: {
    en: 'Ask the operators why the account is frozen; submit again when it is active.',
    zh: '该账户已冻结，请联系运营人员；恢复后再提交。',
  },
  account_closed: {
    en: 'Use another account: this one is closed.',
    zh: '该账户已关闭，请使用其他账户。',
  },
  counterparty_frozen: {
    en: 'Ask the operators why the counterparty is frozen; submit again when it is active.',
    zh: '对方账户已冻结，请联系运营人员；恢复后再提交。',
  },
  counterparty_closed: {
    en: 'Pay another counterparty: this one is closed.',
    zh: '对方账户已关闭，请更换收款方。',
  },
  business_duplicate: {
    en: 'Look at the slip that is named before you submit again: it may be the one you mean.',
    zh: '请先查看所指出的单据，它可能就是您要提交的那一笔。',
  },
  limit_exceeded: {
    en: 'Wait until earlier slips have left the window of the limit, or submit less.',
    zh: '请等待较早的单据移出限额时间窗口，或降低金额。',
  },
};
