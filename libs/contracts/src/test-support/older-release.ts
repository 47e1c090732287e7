import { clone, create, createFileRegistry, type DescFile, type DescMessage } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { SlipEventType } from '@slipstream/slip';
import { type EventTypes, eventTypesOf, schemas } from '../event-types.ts';

/** A release from before event type `missing`. */
export function releaseWithoutType(missing: SlipEventType): EventTypes {
  return eventTypesOf(Object.fromEntries(Object.entries(schemas).filter(([name]) => name !== missing)));
}

/** A release from before one value of one enum. */
export function releaseWithoutValue(enumName: string, value: number): EventTypes {
  return olderRelease((file) => {
    const nested = file.messageType.flatMap((message) =>
      message.enumType.map((one) => ({ one, name: `${file.package}.${message.name}.${one.name}` })),
    );
    const top = file.enumType.map((one) => ({ one, name: `${file.package}.${one.name}` }));
    for (const { one, name } of [...top, ...nested]) {
      if (name === enumName) one.value = one.value.filter(({ number }) => number !== value);
    }
  });
}

/** A release from before one field of one message. */
export function releaseWithoutField(messageName: string, fieldName: string): EventTypes {
  return olderRelease((file) => {
    for (const message of file.messageType) {
      if (`${file.package}.${message.name}` !== messageName) continue;
      message.field = message.field.filter(({ name }) => name !== fieldName);
    }
  });
}

function olderRelease(change: (file: FileDescriptorProto) => void): EventTypes {
  const files = new Map<string, DescFile>();
  for (const schema of Object.values(schemas)) collect(schema.file, files);
  const file = [...files.values()].map(({ proto }) => {
    const older = clone(FileDescriptorProtoSchema, proto);
    change(older);
    return older;
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
  const older = Object.entries(schemas).map(([name, { typeName }]) => [name, registry.getMessage(typeName)]);
  return eventTypesOf(Object.fromEntries(older) as Record<SlipEventType, DescMessage>);
}

/** Dependencies first, as a registry wants them. */
function collect(file: DescFile, into: Map<string, DescFile>): void {
  for (const dependency of file.dependencies) collect(dependency, into);
  into.set(file.name, file);
}
