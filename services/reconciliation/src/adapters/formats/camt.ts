import { shownAmount } from '@slipstream/kernel';
import { signedMinorUnits } from '../../domain/statement/amount.ts';
import { readDay } from '../../domain/statement/day.ts';
import { signed } from '../../domain/statement/sign.ts';
import {
  type LineKind,
  type StatementLine,
  type StatementPart,
  StatementRefused,
} from '../../domain/statement/statement.ts';
import { type Amount, amountOf, chargesOf, grossOf, moneyOf } from './camt-amounts.ts';
import { type Element, elementsOf } from './xml.ts';

// ISO 20022: camt.053 (statement) and camt.054 (notification), versions 1 to 13. What is booked counts; what is pending does not.

const wholes = { 'camt.053': 'Stmt', 'camt.054': 'Ntfctn' } as const;
/** What a bank means by codes of its own. */
type Codes = ReadonlyMap<string, LineKind>;

const pieces = new Set(['Id', 'Acct', 'Bal', 'TxsSummry', 'Ntry']);

/** @throws StatementRefused */
export function* readCamt(
  chunks: Iterable<string>,
  message: 'camt.053' | 'camt.054',
  codes: Codes = new Map(),
): Generator<StatementPart> {
  const whole = wholes[message];
  let head = null as { line: number; name: string; account: string } | null;
  let summary: Element | null = null;
  let entries = new Entries();
  let isOpen = false;
  let statements = 0;
  const opened = function* (line: number): Generator<StatementPart> {
    if (isOpen) return;
    if (head === null || head.name === '') throw new StatementRefused(line, 'the statement has no Id');
    isOpen = true;
    yield { part: 'opened', ...head };
  };
  for (const event of elementsOf(chunks, whole, pieces)) {
    const { line } = event;
    if (event.kind === 'namespace') checkNamespace(event.uri, message, line);
    else if (event.kind === 'begin') {
      head = null;
      summary = null;
      entries = new Entries();
      isOpen = false;
    } else if (event.kind === 'end') {
      yield* opened(line);
      if (summary) entries.check(summary);
      statements += 1;
      yield { part: 'closed', line };
    } else if (event.element.name === 'Id') head = { line, name: event.element.text, account: '' };
    else if (event.element.name === 'Acct') {
      const { element } = event;
      const account = element.find('Id', 'IBAN')?.text ?? element.find('Id', 'Othr', 'Id')?.text ?? '';
      head = { name: '', ...head, line, account };
    } else if (event.element.name === 'TxsSummry') {
      summary = event.element;
    } else if (event.element.name === 'Bal') {
      yield* opened(line);
      yield* balanceOf(event.element);
    } else if (event.element.name === 'Ntry') {
      yield* opened(line);
      entries.add(event.element);
      yield* entryOf(event.element, codes);
    }
  }
  if (statements === 0) throw new StatementRefused(1, `it holds no ${message} ${whole}`);
}

function checkNamespace(uri: string, message: string, line: number): void {
  if (new RegExp(`^urn:iso:std:iso:20022:tech:xsd:${message.replace('.', '\\.')}\\.001\\.\\d{2}$`).test(uri))
    return;
  throw new StatementRefused(line, `the document is ${uri || 'of no namespace'}, and not ${message}`);
}

/** The booked balances; available and interim ones are not what movements add up to. */
function* balanceOf(element: Element): Generator<StatementPart> {
  const code = element.find('Tp', 'CdOrPrtry', 'Cd')?.text;
  const which = code === 'OPBD' || code === 'PRCD' ? 'opening' : code === 'CLBD' ? 'closing' : null;
  if (which === null) return;
  const { amount, currency } = moneyOf(element.need('Amt'));
  const day = readDay((element.find('Dt', 'Dt') ?? element.find('Dt', 'DtTm'))?.text ?? '');
  yield {
    ...{ part: 'balance', line: element.line, which, currency },
    amount: signed(amount, markOf(element), false),
    ...(day && { on: day }),
  };
}

/** What all entries come to, whatever their status: how many, and how much. */
class Entries {
  readonly counts = { credit: 0, debit: 0 };
  readonly #sums = { credit: 0n, debit: 0n };
  readonly #currencies = new Set<string>();

  add(entry: Element): void {
    const mark = markOf(entry);
    const { amount, currency } = moneyOf(entry.need('Amt'));
    this.counts[mark] += 1;
    this.#sums[mark] += amount;
    this.#currencies.add(currency);
  }

  /** Held against what the statement says of all, and of those of each mark; a sum only where all are in one currency. */
  check(summary: Element): void {
    const { credit, debit } = this.counts;
    const sums = this.#sums;
    this.#checkOne(summary.find('TtlNtries'), credit + debit, sums.credit + sums.debit);
    this.#checkOne(summary.find('TtlCdtNtries'), credit, sums.credit);
    this.#checkOne(summary.find('TtlDbtNtries'), debit, sums.debit);
    this.#checkNet(summary.find('TtlNtries'));
  }

  /** What is left of both marks: told in one element since version 3, in two before. */
  #checkNet(told: Element | undefined): void {
    const net = told?.find('TtlNetNtry') ?? told;
    const left = told?.find('TtlNetNtry', 'Amt') ?? told?.find('TtlNetNtryAmt');
    const [currency, ...others] = this.#currencies;
    if (net === undefined || left === undefined || currency === undefined || others.length > 0) return;
    const amount = signedMinorUnits(left.text, currency);
    const adds = this.#sums.credit - this.#sums.debit;
    // Zero has either mark, or none.
    if (amount === 0n && adds === 0n) return;
    if (amount !== null && signed(amount, markOf(net), false) === adds) return;
    throw new StatementRefused(
      left.line,
      `${net.name} says ${net.find('CdtDbtInd')?.text} ${left.text}, and the entries add up to ${shownAmount(adds, currency)}`,
    );
  }

  #checkOne(told: Element | undefined, entries: number, amount: bigint): void {
    const [count, sum] = [told?.find('NbOfNtries'), told?.find('Sum')];
    if (count !== undefined && Number(count.text) !== entries)
      throw new StatementRefused(
        count.line,
        `${told!.name} says ${count.text} entries, and there are ${entries}`,
      );
    const [currency, ...others] = this.#currencies;
    if (sum === undefined || currency === undefined || others.length > 0) return;
    if (signedMinorUnits(sum.text, currency) === amount) return;
    const adds = shownAmount(amount, currency);
    throw new StatementRefused(sum.line, `${told!.name} says ${sum.text}, and the entries add up to ${adds}`);
  }
}

/** Not booked, or only told of: it changes no balance. */
const notBooked = new Set(['PDNG', 'INFO', 'FUTR']);

function* entryOf(entry: Element, codes: Codes): Generator<StatementPart> {
  const told = entry.need('Sts');
  const status = (told.find('Cd') ?? told).text;
  if (notBooked.has(status)) return;
  if (status !== 'BOOK')
    throw new StatementRefused(
      told.line,
      `Sts must be BOOK, PDNG, INFO or FUTR, and not ${status || 'another word'}`,
    );
  const { amount, currency } = moneyOf(entry.need('Amt'));
  const booked = signed(amount, markOf(entry), false);
  const groups = entry.all('NtryDtls');
  const batches = groups.flatMap((group) => group.all('Btch'));
  if (groups.length === 1) for (const batch of batches) checkBatch(batch, amount, currency);
  const isAlone = groups.reduce((sum, group) => sum + group.all('TxDtls').length, 0) === 1;
  const parts = groups.flatMap((group) => partsOf(group, entry, { isAlone, isBatch: groups.length > 1 }));
  const counts = batches.flatMap((batch) => batch.find('NbOfTxs')?.text ?? []);
  const count = counts.length > 0 ? counts.reduce((all, one) => all + Number(one), 0) : null;
  if (parts.length === 0) {
    yield { part: 'line', movement: toLine(entry, null, { amount: booked, currency }, codes) };
    return;
  }
  const sum = parts.reduce((all, one) => all + one.amount, 0n);
  // What is undone is told by some as it was done.
  const isToldAsDone = isReversal(entry) && sum === -booked;
  const movements = parts.map((part) =>
    toLine(entry, part, { ...part, amount: isToldAsDone ? -part.amount : part.amount }, codes),
  );
  // What the bank took for all of them together is a movement of its own.
  const taken = sum - booked;
  const isCharged = taken !== 0n && !isToldAsDone && !isAlone && chargesOf(entry, currency) === taken;
  const charges = isCharged
    ? [{ ...toLine(entry, null, { amount: -taken, currency }, codes), kind: 'fee' as const }]
    : [];
  yield {
    ...{ part: 'entry', line: entry.line, amount: booked, currency },
    count: count === null ? null : count + charges.length,
    movements: [...movements, ...charges],
  };
}

interface Part {
  readonly detail: Element;
  /** What tells of it: its own element, and of one that is all of its entry the entry, too. */
  readonly told: readonly Element[];
  readonly amount: bigint;
  readonly currency: string;
}

/** The transactions of one batch. One of several has a mark of its own: what is booked may be what is left of batches that go both ways. */
function partsOf(
  group: Element,
  entry: Element,
  { isAlone, isBatch }: { readonly isAlone: boolean; readonly isBatch: boolean },
): readonly Part[] {
  const batch = isBatch ? group.find('Btch') : undefined;
  const booked = moneyOf(entry.need('Amt'));
  const whole = batch?.find('CdtDbtInd') ? batch : entry;
  const parts = group.all('TxDtls').map((detail) => {
    const told = isAlone ? [detail, entry] : [detail];
    const { amount, currency } = amountOf(told, isAlone ? booked : null) ?? booked;
    return { detail, told, amount: signed(amount, markOf(detail, whole), false), currency };
  });
  const [first, ...others] = new Set(parts.map((part) => part.currency));
  if (batch && first !== undefined && others.length === 0) {
    const sum = parts.reduce((all, part) => all + part.amount, 0n);
    checkBatch(batch, sum < 0n ? -sum : sum, first);
  }
  return parts;
}

/** A batch is what its transactions come to; the only one of an entry is what the entry is. */
function checkBatch(batch: Element, amount: bigint, currency: string): void {
  const told = batch.find('TtlAmt');
  if (told === undefined) return;
  const total = moneyOf(told);
  if (total.currency === currency && total.amount !== amount)
    throw new StatementRefused(
      told.line,
      `the batch says ${shownAmount(total.amount, currency)}, and what is booked of it is ${shownAmount(amount, currency)}`,
    );
}

function isReversal(entry: Element): boolean {
  return ['true', '1'].includes(entry.find('RvslInd')?.text ?? '');
}

/** Codes of ISO 20022's bank transaction sub-families: what comes back, and what banks take for their work. */
const returned = new Set(['RRTN', 'RPCR', 'UPDD', 'PRDD', 'RCDD', 'UPCT', 'UPCQ', 'ARET', 'AREV']);
const charged = new Set(['CHRG', 'COMM', 'COME', 'COMI', 'COMT', 'FEES', 'TAXE']);

function toLine(
  entry: Element,
  part: Pick<Part, 'detail' | 'told'> | null,
  { amount, currency }: Amount,
  codes: Codes,
): StatementLine {
  const detail = part?.detail;
  const { line } = detail ?? entry;
  const refs = detail?.find('Refs');
  const told =
    entry.find('BookgDt', 'Dt') ??
    entry.find('BookgDt', 'DtTm') ??
    entry.find('ValDt', 'Dt') ??
    entry.find('ValDt', 'DtTm');
  const bookedOn = told && readDay(told.text);
  if (!bookedOn)
    throw new StatementRefused(told?.line ?? entry.line, 'the entry has no day on which it was booked');
  const transaction = detail?.find('BkTxCd') ?? entry.find('BkTxCd');
  const code = transaction?.find('Domn', 'Fmly', 'SubFmlyCd')?.text ?? '';
  const own = codes.get(transaction?.find('Prtry', 'Cd')?.text ?? '');
  const back = detail?.find('RtrInf');
  const reason = (back?.find('Rsn', 'Cd') ?? back?.find('Rsn', 'Prtry'))?.text ?? null;
  const comesBack = isReversal(entry) || back !== undefined || returned.has(code);
  return {
    ...{ line, amount, gross: grossOf(part?.told ?? [entry], amount, currency), currency, bookedOn, reason },
    kind: comesBack ? 'return' : (own ?? (charged.has(code) ? 'fee' : 'payment')),
    references: ['EndToEndId', 'InstrId', 'TxId']
      .flatMap((name) => refs?.find(name)?.text ?? [])
      .concat(creditorReferences(detail))
      .filter((text, at, all) => text !== '' && text !== 'NOTPROVIDED' && all.indexOf(text) === at),
    providerReference: (refs?.find('AcctSvcrRef') ?? entry.find('AcctSvcrRef'))?.text ?? null,
    outcome: null,
    text: [
      ...(detail?.find('RmtInf')?.all('Ustrd') ?? []),
      detail?.find('AddtlTxInf') ?? entry.find('AddtlNtryInf'),
    ]
      .flatMap((one) => one?.text || [])
      .join('\n'),
  };
}

/** What a payer wrote of ours where a reference has a place of its own. */
function creditorReferences(detail: Element | undefined): readonly string[] {
  const remittances = detail?.find('RmtInf')?.all('Strd') ?? [];
  return remittances.flatMap((one) => one.find('CdtrRefInf', 'Ref')?.text ?? []);
}

/** Of a part that does not say it: as the whole. */
function markOf(element: Element, whole?: Element): 'credit' | 'debit' {
  const told = element.find('CdtDbtInd') ?? whole?.find('CdtDbtInd');
  if (told?.text === 'CRDT') return 'credit';
  if (told?.text === 'DBIT') return 'debit';
  throw new StatementRefused(element.line, 'CdtDbtInd must be CRDT or DBIT');
}
