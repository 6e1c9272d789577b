import { isWhole as cameWhole } from '../../proxy/index.ts';

export interface SeenBody {
  /** Its beginning. */
  readonly text: string;
  /** Bytes of all that passed. */
  readonly size: number;
  /** `text` is all of it. */
  readonly isWhole: boolean;
  readonly isEvents: boolean;
}

/** The same response; `onEnd` is told of its body once, when that has been read to its end, is not wanted any more, or broke. */
export async function watchBody(
  response: Response,
  maxBytes: number,
  onEnd: (seen: SeenBody) => void,
): Promise<Response> {
  const { status, statusText, headers } = response;
  const isEvents = headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (cameWhole(response)) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    const isWhole = bytes.byteLength <= maxBytes;
    const text = new TextDecoder().decode(bytes.subarray(0, maxBytes));
    onEnd({ text, size: bytes.byteLength, isWhole, isEvents });
    return new Response(bytes, { status, statusText, headers });
  }
  const { body } = response;
  if (body === null) {
    onEnd({ text: '', size: 0, isWhole: true, isEvents });
    return response;
  }
  return new Response(watchStream(body, maxBytes, isEvents, onEnd), { status, statusText, headers });
}

/** Read only as fast as it is read. */
function watchStream(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  isEvents: boolean,
  onEnd: (seen: SeenBody) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let size = 0;
  let hasEnded = false;

  function see(chunk: Uint8Array): void {
    size += chunk.byteLength;
    if (keptBytes >= maxBytes) return;
    const part = chunk.slice(0, maxBytes - keptBytes);
    kept.push(part);
    keptBytes += part.byteLength;
  }

  function end(): void {
    if (hasEnded) return;
    hasEnded = true;
    const text = new TextDecoder().decode(Buffer.concat(kept));
    onEnd({ text, size, isWhole: keptBytes === size, isEvents });
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            see(value);
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          end();
          throw error;
        }
        end();
        controller.close();
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
