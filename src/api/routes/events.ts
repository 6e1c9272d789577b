import { type WorkloadEvent, workloadToJson } from '../../workloads/index.ts';
import { describe } from '../docs/describe.ts';
import { eventStream, type ServerEvent, streamSignal } from '../pipeline/streams.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import type { Api, RouteOptions } from '../types.ts';

/** What becomes of workloads, as it happens, so that nobody has to poll. */
export function addEventRoutes(api: Api, { workloads, shutdown }: RouteOptions): void {
  api.get(
    '/api/v1beta/events',
    describe({
      tag: 'workloads',
      summary: 'Stream the changes of all workloads as server-sent events',
      description:
        'First a `snapshot` event with all workloads (`{"workloads":[…]}`), then `added` and `changed` with a workload, and `removed` with its name (`{"name":"…"}`). Events are not numbered: a client that comes back gets a new snapshot.',
      answers: { 200: { types: ['text/event-stream'], description: 'The stream' } },
    }),
    timeLimit(USUAL_LIMIT_MS),
    async (c) => {
      const { signal, end } = streamSignal({ request: c.req.raw, shutdown });
      const events = workloads.watch({ signal })[Symbol.asyncIterator]();
      try {
        // Taken before the answer begins: an engine that is missing is an error, not an empty stream.
        const first = await events.next();
        return eventStream(serverEvents(events, first), end);
      } catch (error) {
        end();
        throw error;
      }
    },
  );
}

async function* serverEvents(
  events: AsyncIterator<WorkloadEvent>,
  first: IteratorResult<WorkloadEvent>,
): AsyncGenerator<ServerEvent> {
  try {
    for (let result = first; result.done !== true; result = await events.next())
      yield toServerEvent(result.value);
  } finally {
    await events.return?.();
  }
}

function toServerEvent(event: WorkloadEvent): ServerEvent {
  return { event: event.type, data: JSON.stringify(payloadOf(event)) };
}

function payloadOf(event: WorkloadEvent): unknown {
  switch (event.type) {
    case 'snapshot':
      return { workloads: event.workloads.map(workloadToJson) };
    case 'removed':
      return { name: event.name };
    default:
      return workloadToJson(event.workload);
  }
}
