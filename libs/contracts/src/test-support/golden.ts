import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpsEvent, SlipEvent } from '@slipstream/slip';
import { type EventHead, encodeSlipEvent } from '../codec.ts';
import { cloudEventType } from '../event-types.ts';
import { encodeOpsEvent } from '../ops-codec.ts';
import { opsCloudEventType, opsSchemas } from '../ops-event-types.ts';
import { stampEnvelope } from '../stamp.ts';

type AnyEvent = SlipEvent | OpsEvent;

/** A record as some release wrote it, and what it means for ever. */
export interface Golden {
  /** The record's value, base64. */
  readonly bytes: string;
  /** Its event as {@link plain} shows it. */
  readonly event: Plain;
}

export interface Plain {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, '..', '..', 'golden');

/** By file name; a file holds the records of one CloudEvents type, oldest first. */
export function readGolden(): Map<string, Golden[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    names.map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Golden[]]),
  );
}

/** Adds the samples that no file has yet; what is there is never touched. Gives how many were added. */
export function addGolden(events: readonly AnyEvent[]): number {
  const files = readGolden();
  const missing = events.filter((event) => !has(files, event));
  for (const event of missing) {
    const name = fileOf(event);
    files.set(name, [
      ...(files.get(name) ?? []),
      { bytes: encode(event).toString('base64'), event: plain(event) },
    ]);
  }
  for (const name of new Set(missing.map(fileOf))) {
    writeFileSync(join(folder, name), `${JSON.stringify(files.get(name), null, 2)}\n`);
  }
  return missing.length;
}

export function has(files: ReadonlyMap<string, readonly Golden[]>, event: AnyEvent): boolean {
  const wanted = JSON.stringify(plain(event));
  return (files.get(fileOf(event)) ?? []).some((golden) => JSON.stringify(golden.event) === wanted);
}

/** An event in JSON: an integer beyond a double ends in `n`, bytes are base64. */
export function plain(event: AnyEvent): Plain {
  return plainValue(event) as Plain;
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `base64:${Buffer.from(value).toString('base64')}`;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainValue(item)]));
}

/** A whole record of the event, as the relay would send it. */
export function encode(
  event: AnyEvent,
  sequence = 1,
  subject = '0199f1a0-7c1e-7b3a-8a52-3c1f0e9d4b11',
): Buffer {
  const head = { id: `event-${sequence}`, source: '/slipstream/golden', subject, clock: 'wall' };
  const time = '2026-11-22T10:39:00.123456Z';
  return stampEnvelope(bodyOf(head, event), {
    sequence: String(sequence),
    time,
    receivedTime: time,
  });
}

function bodyOf(head: Omit<EventHead, 'type'>, event: AnyEvent): Uint8Array {
  return isOps(event) ? encodeOpsEvent(head, event) : encodeSlipEvent(head, event);
}

function fileOf(event: AnyEvent): string {
  return `${isOps(event) ? opsCloudEventType(event.type) : cloudEventType(event.type)}.json`;
}

function isOps(event: AnyEvent): event is OpsEvent {
  return Object.hasOwn(opsSchemas, event.type);
}
