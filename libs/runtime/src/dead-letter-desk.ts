import { decodeInbound, readEnvelope, slipEventOf } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import type {
  DeadLetters,
  LetterContent,
  LetterFilter,
  LetterPage,
  LetterRow,
  PageStart,
  Preview,
  Redrive,
} from '@slipstream/postgres';

/** The record as far as it can be read; null fields where it cannot. */
export interface ReadLetter extends LetterContent {
  readonly event: object | null;
}

/** What people can see of a service's dead letters, and do about them. */
export interface DeadLetterDesk {
  list(filter: LetterFilter, limit: number, from: PageStart | null): Promise<LetterPage>;
  one(id: string): Promise<ReadLetter | null>;
  waiting(): Promise<readonly { topic: string; reason: string; letters: number; slips: number }[]>;
  preview(filter: LetterFilter, limit: number): Promise<Preview>;
  redrive(filter: LetterFilter, limit: number, by: Who & { readonly perSecond: number }): Promise<Asked>;
  dismiss(id: string, by: Who): Promise<{ readonly id: string; readonly released: number }>;
  redriveOf(id: string): Promise<Redrive | null>;
}

export interface Who {
  readonly by: string;
  readonly reason: string;
}

export interface Asked extends Preview {
  /** Of the redrive, to follow it by. */
  readonly id: string;
}

export interface DeskParts {
  readonly letters: DeadLetters;
  newId(): string;
  /** Something is to be done now. */
  wake(): void;
  /** Every decision is a line in the log, beside its row. */
  readonly log: (message: string, fields: object) => void;
}

export function deadLetterDesk({ letters, newId, wake, log }: DeskParts): DeadLetterDesk {
  return {
    list: (filter, limit, from) => letters.list(filter, limit, from),
    async one(id) {
      const letter = await letters.one(id);
      return letter && { ...letter, event: readEvent(letter) };
    },
    waiting: () => letters.waiting(),
    preview: (filter, limit) => letters.preview(filter, limit),
    async redrive(filter, limit, by) {
      const id = newId();
      const asked = await letters.redrive(filter, limit, { id, ...by });
      log('redrive asked for', { redrive: id, ...by, letters: asked.letters, slips: asked.slips });
      wake();
      return { id, ...asked };
    },
    async dismiss(letter, by) {
      const id = newId();
      const { released } = await letters.dismiss(letter, { id, ...by });
      log('dead letter dismissed', { redrive: id, letter, ...by, released });
      wake();
      return { id, released };
    },
    redriveOf: (id) => letters.redriveOf(id),
  };
}

function readEvent({ value, headers }: Pick<LetterRow, 'topic'> & LetterContent): object | null {
  if (value === null) return null;
  return readable(() => readOwn(value)) ?? readable(() => decodeInbound({ value, headers }));
}

function readOwn(value: Buffer): object | null {
  const { data: _, ...envelope } = readEnvelope(value);
  // An inbound command has no number.
  if (envelope.sequence < 0) return null;
  return { ...envelope, data: readable(() => slipEventOf(readEnvelope(value)))?.event.data ?? null };
}

/** Null for what cannot be read: it is shown in bytes. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}
