import type { RecordedEvent } from '@slipstream/slip';

/** As JSON has it: an amount is a text of digits, bytes are base64. */
export type Json<T> = T extends bigint
  ? string
  : T extends Uint8Array
    ? string
    : T extends readonly (infer Item)[]
      ? readonly Json<Item>[]
      : T extends object
        ? { readonly [Name in keyof T]: Json<T[Name]> }
        : T;

/** An event that `JSON.stringify` takes: it refuses a bigint, and amounts and sequences are bigints. */
export function eventJson(recorded: RecordedEvent): Json<RecordedEvent> {
  return jsonOf(recorded) as Json<RecordedEvent>;
}

function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonOf(item)]));
}

/** Who asked for a slip, and under which names. */
export interface SlipNames {
  readonly slipId: string;
  readonly caller: string;
  readonly reference: string;
  /** The id of the command that the event answers; null: it came over HTTP, or is a draft. */
  readonly commandId: string | null;
}

/**
 * What joins a slip to its caller's own data: told by the events that begin a slip or refuse it, null for any other. Keep it
 * by `slipId`: later events of the slip have that alone.
 */
export function slipNames({ slipId, event }: RecordedEvent): SlipNames | null {
  if (event.type !== 'SlipSubmitted' && event.type !== 'SlipRejected' && event.type !== 'SlipDrafted')
    return null;
  const { caller, reference } = event.data;
  const commandId = event.type === 'SlipDrafted' ? null : (event.data.commandId ?? null);
  return { slipId, caller, reference, commandId };
}
