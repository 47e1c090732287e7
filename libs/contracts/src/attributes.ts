import type { Instant } from '@slipstream/kernel';
import type { WireWriter } from './wire-writer.ts';

/** Writes an entry of a CloudEvent's map `attributes` whose value is a `ce_string`. */
export function textAttribute(writer: WireWriter, name: string, value: string): void {
  const { entry, outer } = begin(writer, name);
  writer.byte(0x1a);
  writer.text(value);
  writer.close(outer);
  writer.close(entry);
}

/** The same with a `ce_timestamp`. */
export function timeAttribute(writer: WireWriter, name: string, value: Instant): void {
  const { entry, outer } = begin(writer, name);
  writer.byte(0x3a);
  const timestamp = writer.open();
  writer.timestamp(value);
  writer.close(timestamp);
  writer.close(outer);
  writer.close(entry);
}

function begin(writer: WireWriter, name: string): { readonly entry: number; readonly outer: number } {
  writer.byte(0x2a);
  const entry = writer.open();
  writer.byte(0x0a);
  writer.text(name);
  writer.byte(0x12);
  return { entry, outer: writer.open() };
}
