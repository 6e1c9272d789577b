interface SeenEvent {
  readonly event: string;
  /** The data as JSON; `{ text }` for what is none. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A reader of server-sent events. */
export interface Events extends AsyncDisposable {
  /** Throws when none comes within 20 s, or the stream ends. */
  next(): Promise<SeenEvent>;
  /** Reads until one fits; throws as `next`. */
  until(fits: (event: SeenEvent) => boolean): Promise<SeenEvent>;
}

export async function openEvents(url: string, options: BunFetchRequestInit = {}): Promise<Events> {
  const stop = new AbortController();
  const response = await fetch(url, {
    ...options,
    headers: { Accept: 'text/event-stream' },
    signal: stop.signal,
  });
  if (!response.ok || response.body === null)
    throw new Error(`${url}: ${response.status} ${await response.text()}`);
  const source = read(response.body);

  async function next(): Promise<SeenEvent> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no event from ${url} within 20 s`)), 20_000);
    const result = await Promise.race([source.next(), late.promise]);
    clearTimeout(timer);
    if (result.done === true) throw new Error(`the stream of ${url} ended`);
    return result.value;
  }

  return {
    next,
    async until(fits) {
      for (;;) {
        const event = await next();
        if (fits(event)) return event;
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
    },
  };
}

async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<SeenEvent, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      if (event === undefined) continue;
      const data = [...block.matchAll(/^data: (.*)$/gm)].map((match) => match[1]).join('\n');
      yield { event, data: parse(data) };
    }
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
