import { createEventSplitter, readFields } from '../middleware/index.ts';

export interface ServerEvent {
  readonly type: string;
  readonly data: string | undefined;
  readonly id: string | undefined;
  readonly retryMs: number | undefined;
}

/** The events of a response, as they come. Ends with the stream; throws when it breaks. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const splitter = createEventSplitter();
  for await (const bytes of body) {
    for (const event of splitter.push(bytes)) {
      const fields = readFields(new TextDecoder().decode(event));
      if (fields.data !== undefined || fields.id !== undefined || fields.retryMs !== undefined) yield fields;
    }
  }
}
