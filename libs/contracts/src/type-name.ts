/** The CloudEvents `type` of an event: SlipReturned of `slip` is `slipstream.slip.returned.v1`. */
export function typeName(topic: 'slip' | 'ops', name: string): string {
  return `slipstream.${topic}.${snakeCase(name.replace(/^Slip/, ''))}.v1`;
}

function snakeCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
