export interface Sniffed {
  readonly kind: 'json' | 'events' | 'other';
  /** The same body, nothing missing. */
  readonly body: ReadableStream<Uint8Array>;
}

/** Says by its beginning what a body is whose content type does not tell. */
export async function sniff(original: ReadableStream<Uint8Array>): Promise<Sniffed> {
  const reader = original.getReader();
  const read: Uint8Array[] = [];
  let kind: Sniffed['kind'] | undefined;
  let ended = false;
  while (kind === undefined) {
    const { done, value } = await reader.read();
    ended = done;
    if (value !== undefined) read.push(value);
    kind = kindOf(Buffer.concat(read).subarray(0, MAX_LOOK), ended);
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = read.shift() ?? (ended ? undefined : (await reader.read()).value);
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { kind, body };
}

const MAX_LOOK = 4096;

/** `undefined`: too little was seen. */
function kindOf(bytes: Buffer, isAll: boolean): Sniffed['kind'] | undefined {
  const text = new TextDecoder().decode(bytes).trimStart();
  if (/^[{[]/.test(text)) return 'json';
  if (/^(?:(?:event|data|id|retry)\b|:)/.test(text)) return 'events';
  const mayStillBe = text.length < 'event'.length && bytes.length < MAX_LOOK;
  return mayStillBe && !isAll ? undefined : 'other';
}
