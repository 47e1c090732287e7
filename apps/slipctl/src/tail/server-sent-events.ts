export interface ServerSentEvent {
  /** null: none was named yet. */
  readonly id: string | null;
  readonly type: string;
  /** Empty: only the place moved on. */
  readonly data: string;
}

/** Reads server-sent events (WHATWG HTML, section 9.2.6); comments and `retry` say nothing here. */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | null = null;
  let event = { type: 'message', data: [] as string[], isNamed: false };
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (event.data.length > 0 || event.isNamed)
          yield { id, type: event.type, data: event.data.join('\n') };
        event = { type: 'message', data: [], isNamed: false };
        continue;
      }
      const [, field, value = ''] = /^([^:]*)(?::[ ]?(.*))?$/.exec(line)!;
      if (field === 'data') event.data.push(value);
      if (field === 'event') event.type = value;
      if (field === 'id') {
        id = value;
        event.isNamed = true;
      }
    }
  }
}
