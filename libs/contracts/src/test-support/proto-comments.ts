import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

const root = join(import.meta.dirname, '../../../..');

/** What stands above a message (`slipstream.slip.v1.SlipSubmitted`) or a field of it (`….reference`) in proto/. */
export function protoComments(): ReadonlyMap<string, string> {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/buf'), ['build', '-o', '-'], {
    ...{ cwd: root, maxBuffer: 64 * 1024 * 1024 },
  });
  if (status !== 0) throw new Error(`buf build: ${stderr}`);
  const comments = new Map<string, string>();
  for (const file of fromBinary(FileDescriptorSetSchema, stdout).file) collect(file, comments);
  return comments;
}

/** Numbers of fields in descriptor.proto, of which a location's path is made. */
const [messageOfFile, fieldOfMessage, messageOfMessage] = [4, 2, 3] as const;

function collect(file: FileDescriptorProto, into: Map<string, string>): void {
  const said = new Map<string, string>();
  for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
    if (leadingComments) said.set(path.join('.'), leadingComments.trim().replaceAll(/\s*\n\s*/g, ' '));
  }
  const note = (name: string, path: readonly number[]) => {
    const text = said.get(path.join('.'));
    if (text !== undefined) into.set(name, text);
  };
  const visit = (message: DescriptorProto, name: string, path: readonly number[]): void => {
    note(name, path);
    for (const [index, field] of message.field.entries())
      note(`${name}.${field.name}`, [...path, fieldOfMessage, index]);
    for (const [index, nested] of message.nestedType.entries())
      visit(nested, `${name}.${nested.name}`, [...path, messageOfMessage, index]);
  };
  for (const [index, message] of file.messageType.entries())
    visit(message, `${file.package}.${message.name}`, [messageOfFile, index]);
}
