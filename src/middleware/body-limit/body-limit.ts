import * as v from 'valibot';
import { textError } from '../../proxy/index.ts';
import { parseParameters } from '../parameters.ts';
import type { Middleware } from '../types.ts';

/**
 * Inclusive, in bytes. Spec 04 §2.3 names 8 MiB; a tool argument of 10 MB has to pass the proxy, so 8 MiB holds only
 * where a stored chain says so, and this is what applies otherwise. It is also the longest line of server-stdio.
 */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

const Parameters = v.looseObject({
  max_bytes: v.optional(v.pipe(v.number(), v.integer()), DEFAULT_MAX_BYTES),
});

/**
 * Refuses bodies above the limit with 413: at once when their length is announced, else while they are read. No body is
 * kept here, and one with an announced length is not even looked at.
 */
export function createBodyLimit(parameters: unknown): Middleware {
  const { max_bytes } = parseParameters('bodylimit', Parameters, parameters);
  const maxBytes = max_bytes > 0 ? max_bytes : DEFAULT_MAX_BYTES;

  return function bodyLimit(request, context, next) {
    const announced = request.headers.get('content-length');
    if (announced !== null) return Number(announced) > maxBytes ? tooLarge() : next(request, context);
    if (request.body === null) return next(request, context);
    return handOnCounted(request, request.body);

    async function handOnCounted(original: Request, body: ReadableStream<Uint8Array>): Promise<Response> {
      const counted = countBody(body, maxBytes);
      const { method, headers, signal } = original;
      const limited = new Request(original.url, { method, headers, signal, body: counted.body });
      try {
        const response = await next(limited, context);
        return counted.exceeded() ? tooLarge() : response;
      } catch (error) {
        if (counted.exceeded()) return tooLarge();
        throw error;
      }
    }
  };
}

/** The same bytes, as they are asked for; an error instead of the first chunk that passes the limit. */
function countBody(body: ReadableStream<Uint8Array>, maxBytes: number) {
  const reader = body.getReader();
  let seen = 0;
  const counted = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          return;
        }
        seen += value.byteLength;
        if (seen <= maxBytes) {
          controller.enqueue(value);
          return;
        }
        controller.error(new RangeError(`request body exceeds ${maxBytes} bytes`));
        await reader.cancel();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { body: counted, exceeded: () => seen > maxBytes };
}

function tooLarge(): Response {
  return textError(413, 'Request Entity Too Large');
}
