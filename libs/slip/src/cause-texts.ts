import type { CauseCode } from './causes.ts';
import type { Cause } from './events.ts';

/** The languages of the texts; the first is the one that events are written in. */
export const causeLanguages = ['en', 'zh'] as const;
export type CauseLanguage = (typeof causeLanguages)[number];

/** What is known about whether the provider executed the slip. */
export type Proof = 'executed' | 'not_executed' | 'unknown';

interface CauseText {
  /** One sentence for a customer: no internals, no names of providers. It is the one that SlipDiagnosed carries. */
  readonly customer: string;
  /** One sentence for the operator. */
  readonly operator: string;
  /** What to look at. Whether the slip may be repeated is no matter of its cause. */
  readonly advice: string;
}

/** Whether the order may be repeated depends on the proof alone, whatever the cause: a second payment costs money. */
const leads: Readonly<Record<CauseLanguage, Readonly<Record<Proof, string>>>> = {
  en: {
    executed: 'Do not repeat the order: the provider executed it.',
    not_executed: 'It was not executed, so it may be submitted again.',
    unknown: 'Do not repeat the order: it is not known whether the provider executed it.',
  },
  zh: {
    executed: '请勿重复提交：服务商已执行该订单。',
    not_executed: '该订单未被执行，可以重新提交。',
    unknown: '请勿重复提交：尚不清楚服务商是否已执行该订单。',
  },
};

type Texts = Readonly<Record<CauseLanguage, CauseText>>;

function texts(en: readonly [string, string, string], zh: readonly [string, string, string]): Texts {
  const of = ([customer, operator, advice]: readonly [string, string, string]) => ({
    ...{ customer, operator, advice },
  });
  return { en: of(en), zh: of(zh) };
}

/** The words for every cause: for the customer, for the operator, and what the operator should look at. */
export const causeTexts: Readonly<Record<CauseCode, Texts>> = {
  hold_late: texts(
    [
      'The funds were not confirmed in time, so the order was not passed on.',
      'The ledger answered the hold after the deadline, or not at all.',
      'Look at the lag of the ledger, and of the bus before it.',
    ],
    [
      '资金未能及时确认，订单未被转交。',
      '账本在截止时间之后才答复冻结，或从未答复。',
      '请检查账本及其上游消息总线的延迟。',
    ],
  ),
  never_dispatched: texts(
    [
      'The order was not passed on to the provider in time.',
      'The hold stood, and no call left the provider gateway before the deadline.',
      'Look at the lag and health of the provider gateway.',
    ],
    [
      '订单未能及时转交给服务商。',
      '资金已冻结，但服务商网关在截止时间前没有发出调用。',
      '请检查服务商网关的延迟与健康状况。',
    ],
  ),
  gateway_interrupted: texts(
    [
      'Our own service was interrupted while it was talking to the provider.',
      'The provider gateway ended, or lost its database, during the call.',
      'Look for restarts of the provider gateway.',
    ],
    [
      '与服务商通信时，我方服务中断。',
      '调用过程中服务商网关退出，或失去了数据库。',
      '请检查服务商网关是否重启过。',
    ],
  ),
  intake_stalled: texts(
    [
      'Our own service stood still for a while, so the order was not passed on in time.',
      'Intake stood still, or was not heard, while it had to pass the slip on.',
      'Look at intake, its machine, its database and its way to the bus at that time.',
    ],
    [
      '我方服务曾一度停顿，订单未能及时转交。',
      '在需要转交该单据时，受理服务停顿或失去联系。',
      '请检查当时受理服务及其主机、数据库和到消息总线的连接。',
    ],
  ),
  ledger_stalled: texts(
    [
      'Our own service stood still for a while, so the order was not passed on in time.',
      'The ledger stood still, or was not heard, while the slip waited for its hold.',
      'Look at the ledger, its machine, its database and its way to the bus at that time.',
    ],
    [
      '我方服务曾一度停顿，订单未能及时转交。',
      '该单据等待冻结时，账本停顿或失去联系。',
      '请检查当时账本及其主机、数据库和到消息总线的连接。',
    ],
  ),
  gateway_stalled: texts(
    [
      'Our own service stood still for a while, so the order was not passed on, or its answer was not taken, in time.',
      'The provider gateway stood still, or was not heard, while it had to send the slip or to take its answer.',
      'Look at the provider gateway, its machine, its database and its way to the bus at that time.',
    ],
    [
      '我方服务曾一度停顿，订单未能及时转交，或答复未能及时接收。',
      '在需要发送该单据或接收其答复时，服务商网关停顿或失去联系。',
      '请检查当时服务商网关及其主机、数据库和到消息总线的连接。',
    ],
  ),
  services_stalled: texts(
    [
      'Our own services stood still for a while, so the order was not completed in time.',
      'Intake, ledger and provider gateway were silent at one time: what they share stood still.',
      'Look at Kafka, the database server and the machine at that time.',
    ],
    [
      '我方服务曾一度停顿，订单未能及时完成。',
      '受理服务、账本与服务商网关同时失去联系：它们共用的部分曾停顿。',
      '请检查当时的 Kafka、数据库服务器与主机。',
    ],
  ),
  provider_unreachable: texts(
    [
      'The provider could not be reached.',
      'No connection to the provider came about, or it gave no answer to any question.',
      'Look at the health of the provider and of the network between.',
    ],
    [
      '无法联系到服务商。',
      '未能与服务商建立连接，或其对所有查询均无答复。',
      '请检查服务商及中间网络的状况。',
    ],
  ),
  provider_refused: texts(
    [
      'The provider took no connections at the time.',
      'The provider’s host answered and refused the connection: nothing listens there.',
      'Ask the provider whether its service was down; compare the address in the rules.',
    ],
    [
      '服务商当时不接受连接。',
      '服务商主机有响应但拒绝连接：该端口没有服务在监听。',
      '请向服务商确认其服务是否停机，并核对规则中的地址。',
    ],
  ),
  provider_address_wrong: texts(
    [
      'The order could not be passed on because of a setting of ours.',
      'The provider’s address in the rules leads nowhere: nobody knows its name.',
      'Check base_url of the provider in the rules file, and when it was changed last.',
    ],
    [
      '由于我方设置问题，订单无法转交。',
      '规则中的服务商地址无效：域名不存在。',
      '请检查规则文件中该服务商的 base_url 及其最近的修改。',
    ],
  ),
  provider_moved: texts(
    [
      'The provider could not take the order where we sent it.',
      'The provider answered with a redirect, which is never followed: it moved, or the address in the rules is wrong.',
      'Ask the provider for its address, and correct base_url in the rules file.',
    ],
    [
      '服务商无法在我方发送的地址接收订单。',
      '服务商返回重定向（从不跟随）：其已搬迁，或规则中的地址有误。',
      '请向服务商确认地址，并更正规则文件中的 base_url。',
    ],
  ),
  request_lost: texts(
    [
      'The order was sent, but the provider never received it.',
      'The call got no answer, and the provider does not know the slip.',
      'Look for dropped connections to the provider.',
    ],
    [
      '订单已发送，但服务商从未收到。',
      '调用没有得到答复，且服务商不认识该单据。',
      '请检查与服务商之间是否有连接中断。',
    ],
  ),
  reply_lost: texts(
    [
      'The provider did the work, but its reply did not reach us.',
      'The call got no answer, and the provider said when asked that it had executed the slip.',
      'Look for dropped connections to the provider.',
    ],
    [
      '服务商已完成处理，但其答复未送达我方。',
      '调用没有得到答复；查询时服务商表示已执行该单据。',
      '请检查与服务商之间是否有连接中断。',
    ],
  ),
  callback_lost: texts(
    [
      'The provider did the work, but its final answer had not come by the deadline.',
      'The provider acknowledged the slip, its callback had not come by the deadline, and it gave the outcome when asked.',
      'Ask the provider for its log of callbacks for this slip.',
    ],
    [
      '服务商已完成处理，但其最终答复在截止时间前没有到达。',
      '服务商已确认该单据，回调在截止时间前未到；查询时才给出结果。',
      '请向服务商索取该单据的回调日志。',
    ],
  ),
  callback_signature_refused: texts(
    [
      'The provider did its part, but our own settings kept us from taking its answer by the deadline.',
      'Callbacks of the provider came and were refused: our secret makes none of their signatures, and hardly one was accepted meanwhile.',
      'Compare secret and secret_next of the provider in the rules file with what it signs with, and when either was changed last.',
    ],
    [
      '服务商已尽其责，但因我方设置有误，未能在截止时间前接收其答复。',
      '服务商的回调已到达但被拒绝：其签名与我方密钥不符，同期几乎没有回调被接受。',
      '请将规则文件中该服务商的 secret 与 secret_next 同其签名所用的密钥核对，并查明两者最近一次变更的时间。',
    ],
  ),
  provider_slow: texts(
    [
      'The provider answered after the deadline.',
      'The provider’s own answer came by itself, and too late.',
      'Compare the provider’s usual time with the route’s deadline.',
    ],
    [
      '服务商在截止时间之后才答复。',
      '服务商主动给出了答复，但已过截止时间。',
      '请比较服务商的通常耗时与该路由的截止时间。',
    ],
  ),
  provider_pending: texts(
    [
      'The provider is still working on the order.',
      'The provider says to every question that the slip is pending.',
      'Ask the provider when it will be done.',
    ],
    ['服务商仍在处理该订单。', '服务商对每次查询都答复“处理中”。', '请向服务商询问何时完成。'],
  ),
  provider_busy: texts(
    [
      'The provider took no more orders at the time.',
      'The provider asked to be called later (429 or Retry-After).',
      'Spread the load on the provider.',
    ],
    [
      '服务商当时不再接收订单。',
      '服务商要求稍后再调用（429 或 Retry-After）。',
      '请分散发往该服务商的负载。',
    ],
  ),
  provider_error: texts(
    [
      'The provider had an error of its own.',
      'The provider answered the call with an error of its own (5xx).',
      'Give the provider the time and the slip’s id.',
    ],
    ['服务商自身出错。', '服务商以自身错误（5xx）答复了调用。', '请把时间和单据编号告知服务商。'],
  ),
  garbage_answer: texts(
    [
      'The provider’s answer could not be understood.',
      'The provider’s answer does not follow its protocol, or is too large.',
      'Send the provider the recorded attempt; its interface may have changed.',
    ],
    [
      '无法理解服务商的答复。',
      '服务商的答复不符合其协议，或过大。',
      '请把记录的尝试发给服务商；其接口可能已变更。',
    ],
  ),
  provider_dropped: texts(
    [
      'The provider accepted the order and later did not know it.',
      'The provider acknowledged the slip and answered later that it does not know it.',
      'Ask the provider what became of its acknowledgement.',
    ],
    [
      '服务商接受了订单，之后却不认识它。',
      '服务商曾确认该单据，之后却答复不认识它。',
      '请向服务商询问其确认之后的情况。',
    ],
  ),
  provider_rejected: texts(
    [
      'The provider rejected the order.',
      'The provider answered that it does not execute the slip, for a reason of its own.',
      'Ask the provider about the reason that it gave.',
    ],
    ['服务商拒绝了该订单。', '服务商答复不执行该单据，原因在其自身。', '请就其给出的原因询问服务商。'],
  ),
  provider_voided: texts(
    [
      'The provider cancelled the order.',
      'The provider answered that the slip was cancelled.',
      'Ask the provider about the reason that it gave.',
    ],
    ['服务商取消了该订单。', '服务商答复该单据已取消。', '请就其给出的原因询问服务商。'],
  ),
  rejected_for_payer: texts(
    [
      'The order was rejected for a reason that lies with the payer or the payee.',
      'The provider rejected the slip, and its ISO reason names an account, an amount, a party, a mandate or an identifier.',
      'Let the account or the details that the provider’s reason names be put right first.',
    ],
    [
      '订单被拒绝，原因在付款方或收款方。',
      '服务商拒绝了该单据，其 ISO 原因指向账户、金额、当事方、授权或标识。',
      '请先更正服务商原因所指的账户或信息。',
    ],
  ),
  no_report: texts(
    [
      'Nobody reported an answer of the provider.',
      'The route’s reporting service said nothing about the slip by the deadline.',
      'Ask the service that reports for this route, then the provider.',
    ],
    [
      '没有人报告服务商的答复。',
      '该路由的报告服务在截止时间前没有提到该单据。',
      '请先询问该路由的报告服务，再询问服务商。',
    ],
  ),
  no_acknowledgement: texts(
    [
      'The order was never acknowledged.',
      'The import has no acknowledgement of the slip and no answer.',
      'Ask the provider whether it ever received the order.',
    ],
    ['订单从未被确认。', '导入数据中没有该单据的确认，也没有答复。', '请向服务商确认其是否收到过该订单。'],
  ),
  silent_after_acknowledgement: texts(
    [
      'The order was acknowledged, and nothing was heard of it afterwards.',
      'The slip was acknowledged, and neither a step nor an answer followed.',
      'Ask the provider what became of the order.',
    ],
    [
      '订单已被确认，之后再无消息。',
      '该单据已被确认，之后既无进展也无答复。',
      '请向服务商询问该订单的情况。',
    ],
  ),
  silent_after_progress: texts(
    [
      'The order was under way, and nothing was heard of it afterwards.',
      'A step of the slip was told, and no answer followed.',
      'Ask the provider what became of the order after its last step.',
    ],
    [
      '订单已在处理中，之后再无消息。',
      '已得知该单据的一个进展，之后没有答复。',
      '请向服务商询问该订单最后一步之后的情况。',
    ],
  ),
  undetermined: texts(
    [
      'We do not know yet why the answer is missing.',
      'Nothing that is known so far tells why the answer is missing.',
      'Compare with the provider’s statement, or ask the provider.',
    ],
    [
      '目前尚不清楚为何缺少答复。',
      '目前已知的信息无法说明为何缺少答复。',
      '请与服务商的对账单比对，或询问服务商。',
    ],
  ),
};

/** What the operator should do; in the language of events it is what SlipDiagnosed carries. */
export function remedyOf(proof: Proof, advice: string, language: CauseLanguage = 'en'): string {
  const lead = leads[language][proof];
  return language === 'zh' ? `${lead}${advice}` : `${lead} ${advice}`;
}

/** A cause as people read it: for the operator, and beside it what may be said to the customer. */
export interface ShownCause extends Cause {
  readonly customer: { readonly summary: string; readonly remedy: string };
}

/** The cause in the reader's language; one that a later release named, or an earlier one worded, stays as it was told. */
export function shownCause(cause: Cause, language: CauseLanguage): ShownCause {
  const words = Object.hasOwn(causeTexts, cause.code)
    ? causeTexts[cause.code as CauseCode][language]
    : undefined;
  const proof = (Object.keys(leads.en) as Proof[]).find((one) => cause.remedy.startsWith(leads.en[one]));
  if (!words || !proof) {
    return { ...cause, customer: { summary: cause.summary, remedy: proof ? leads[language][proof] : '' } };
  }
  return {
    ...{ ...cause, summary: words.operator, remedy: remedyOf(proof, words.advice, language) },
    customer: { summary: words.customer, remedy: leads[language][proof] },
  };
}
