import type { Identity } from '../../oidc/index.ts';
import type { Handler, RequestContext } from '../../proxy/index.ts';
import type { Callers } from '../types.ts';

interface Asked {
  readonly request: Request;
  readonly context: RequestContext;
  readonly next: Handler;
}

/** A response that ends when its caller is not let in any more, where it would go on for as long as the client likes. */
export async function endWith(identity: Identity, callers: Callers, asked: Asked): Promise<Response> {
  const response = await asked.next(asked.request, asked.context);
  return isStanding(asked) ? bind(response, identity, callers) : response;
}

/** Streams that outlive the moment at which their caller was let in; a call that is running may end. */
function isStanding({ request, context }: Asked): boolean {
  return request.method === 'GET' || context.message?.method === 'subscriptions/listen';
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
