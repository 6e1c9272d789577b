import type { Identity } from '../../oidc/index.ts';
import type { Callers } from '../types.ts';

/** A response whose stream ends when its caller is not let in any more. */
export function endWith(
  identity: Identity,
  callers: Callers,
  answer: () => Response | Promise<Response>,
): Response | Promise<Response> {
  const response = answer();
  if (identity.kind !== 'key') return response;
  return response instanceof Promise
    ? response.then((settled) => bind(settled, identity, callers))
    : bind(response, identity, callers);
}

function bind(response: Response, identity: Identity, callers: Callers): Response {
  const { body, status, statusText, headers } = response;
  if (body === null || !headers.get('content-type')?.startsWith('text/event-stream')) return response;
  const reader = body.getReader();
  let stop: (() => void) | undefined;
  let ended = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop = callers.watch(identity, () => {
          ended = true;
          controller.close();
          reader.cancel('its caller is not let in any more').catch(() => undefined); // it ends either way
        });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (ended) return;
          if (!done) return controller.enqueue(value);
          stop?.();
          controller.close();
        } catch (error) {
          stop?.();
          throw error;
        }
      },
      cancel(reason) {
        stop?.();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { status, statusText, headers });
}
