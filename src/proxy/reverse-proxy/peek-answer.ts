import { readMessage } from '../json-rpc/index.ts';

export interface PeekedAnswer {
  /** `undefined`: the body does not show it. */
  readonly outcome: 'result' | 'error' | undefined;
  /** The whole body again. */
  readonly body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null;
}

/** An answer to `initialize` that goes on after this much is let through unread. */
const MAX_PEEK_BYTES = 1024 * 1024;

/** Reads a body, JSON or an event stream, up to the JSON-RPC answer in it. */
export async function peekAnswer(response: Response): Promise<PeekedAnswer> {
  if (response.body === null) return { outcome: undefined, body: null };
  const reader = response.body.getReader();
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const read: Uint8Array[] = [];
  let size = 0;
  while (size < MAX_PEEK_BYTES) {
    const { done, value } = await reader.read();
    if (done) {
      const whole = Buffer.concat(read);
      const text = whole.toString();
      return { outcome: isEvents ? outcomeOfEvents(text) : outcomeOf(text), body: whole };
    }
    read.push(value);
    size += value.byteLength;
    const outcome = isEvents ? outcomeOfEvents(Buffer.concat(read).toString()) : undefined;
    if (outcome !== undefined) return { outcome, body: rest(read, reader) };
  }
  return { outcome: undefined, body: rest(read, reader) };
}

function outcomeOfEvents(text: string): 'result' | 'error' | undefined {
  for (const [, data = ''] of text.matchAll(/^data:(.*)[\r\n]/gm)) {
    const outcome = outcomeOf(data);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

function outcomeOf(text: string): 'result' | 'error' | undefined {
  const message = readMessage(text);
  return message?.kind === 'response' ? message.outcome : undefined;
}

function rest(
  read: Uint8Array[],
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = read.shift() ?? (await reader.read()).value;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
