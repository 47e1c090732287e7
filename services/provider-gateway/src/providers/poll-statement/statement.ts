import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import type { FetchedStatement, StatementLine } from '../../application/ports.ts';
import type { OnceResult } from '../transport/call-once.ts';
import { Garbage, isEncoded, text, time } from '../transport/read-answer.ts';
import { toAnswer } from './translate.ts';

const columns = ['order_ref', 'provider_id', 'state', 'amount_minor', 'currency', 'booked_at'] as const;

/**
 * The statement of one day: CSV (RFC 4180) with exactly these columns, a line per order that was worked on; no field of it
 * holds a line's end. A line that cannot be read costs itself alone.
 */
export function statementOf(result: OnceResult): FetchedStatement {
  if (result.kind !== 'response') return refused(`${result.reason}: ${result.detail}`);
  const { status, headers, body } = result;
  if (status !== 200) return refused(`HTTP ${status}`);
  if (isEncoded(result)) return refused('the body is encoded');
  // What ends with its connection may have been cut off between two lines, and nobody would ask for the rest.
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    return refused('it does not say how long it is');
  if (!isUtf8(body)) return refused('the body is not UTF-8');
  const [head = '', ...lines] = body
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/);
  if (head !== columns.join(',')) return refused(`line 1: the columns must be ${columns.join(',')}`);
  // Its last line has an end, too: without one it may have been cut off.
  if (lines.at(-1) !== '') return refused(`line ${lines.length + 1}: the last line has no end`);
  return { kind: 'statement', digest: hash('sha256', body, 'hex'), lines: read(lines.slice(0, -1)) };
}

function refused(detail: string): FetchedStatement {
  return { kind: 'no_answer', detail };
}

function* read(lines: readonly string[]): Iterable<StatementLine> {
  for (const [index, said] of lines.entries()) {
    const place = { line: index + 2, said };
    try {
      yield { ...place, ...understand(said) };
    } catch (error) {
      if (!(error instanceof Garbage)) throw error;
      yield { ...place, problem: error.message };
    }
  }
}

/** @throws Garbage */
function understand(line: string) {
  const fields = fieldsOf(line);
  if (fields.length !== columns.length) {
    throw new Garbage(`it has ${fields.length} fields and not ${columns.length}`);
  }
  const [ref, providerId, state, amount, currency, bookedAt] = fields;
  const slipId = text(ref);
  if (slipId === null || slipId !== ref) throw new Garbage('no order_ref');
  const providerTime = time(bookedAt);
  if (providerTime === null) throw new Garbage('booked_at is no time');
  const given = (field: string | undefined) => (field === '' ? null : field);
  const json = {
    state,
    provider_id: given(providerId),
    amount_minor: given(amount),
    currency: given(currency),
  };
  return { slipId, answer: { ...toAnswer(json), providerTime } };
}

function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  try {
    return (parse(line, { relax_column_count: true }) as string[][])[0] ?? [];
  } catch {
    throw new Garbage('its quotes do not match');
  }
}
