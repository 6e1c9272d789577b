import type { Context } from 'hono';
import { hasCode, ThvError } from '../../errors/index.ts';
import { followFile } from '../../platform/index.ts';
import { describe } from '../docs/describe.ts';
import { textAnswer } from '../pipeline/respond.ts';
import { eventStream, type ServerEvent, streamSignal, textStream } from '../pipeline/streams.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import type { Api, RouteOptions } from '../types.ts';
import { linesOf, queryOf } from './query.ts';

interface Piece {
  readonly stream: string;
  readonly bytes: Uint8Array;
}

/** What a workload's server wrote, and the log that is kept of the workload itself (spec 10 §11.9, §20-18). */
export function addWorkloadLogRoutes(api: Api, { workloads, shutdown }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  const document = (summary: string, missing: string) =>
    describe({
      tag: 'logs',
      summary,
      description:
        'With `follow` and `Accept: text/event-stream` each line is an event named for its stream.',
      path: { name: 'Name of the workload' },
      query: {
        lines: {
          description: 'Number of past lines to send, 1 to 10000, default 1000',
          schema: { type: 'integer' },
        },
        follow: {
          description: 'Keep the answer open and send new lines as they are written',
          schema: { type: 'boolean' },
        },
      },
      answers: {
        200: { types: ['text/plain', 'text/event-stream'], description: 'OK' },
        400: 'The name or a parameter is not valid',
        404: missing,
      },
    });

  api.get(
    '/api/v1beta/workloads/:name/logs',
    document("The end of what a workload's server wrote", 'There is no such workload'),
    limit,
    async (c) => {
      const name = c.req.param('name');
      const tail = linesOf(c);
      const follow = queryOf(c, 'follow') === 'true';
      const { name: known, remote } = await workloads.get(name, { signal: c.var.signal });
      if (remote) throw new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: known });
      const { signal, end } = streamSignal({ request: c.req.raw, shutdown });
      const read = (query: { readonly follow: boolean; readonly tail: number }) =>
        workloads.logs(known, { ...query, signal })[Symbol.asyncIterator]();
      try {
        // A followed log may be silent for long, so whether there is one is asked beforehand.
        if (follow) await exhaust(read({ follow: false, tail: 1 }));
        return await answerWith(c, read({ follow, tail }), { follow, end });
      } catch (error) {
        end();
        if (hasCode(error, 'ERR_LOGS_NOT_FOUND'))
          throw new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: known });
        throw error;
      }
    },
  );

  api.get(
    '/api/v1beta/workloads/:name/proxy-logs',
    document('The end of the log that is kept of a workload', 'There is no log of this workload'),
    limit,
    async (c) => {
      const name = c.req.param('name');
      const lines = linesOf(c);
      const path = workloads.proxyLogPath(name);
      const missing = () => textAnswer(404, `proxy logs not found for workload: ${name}`);
      if (!(await Bun.file(path).exists())) return missing();
      const { signal, end } = streamSignal({ request: c.req.raw, shutdown });
      const follow = queryOf(c, 'follow') === 'true';
      const chunks = followFile(path, { follow, signal, lines });
      if (follow) return answerWith(c, asPieces(chunks), { follow, end });
      const text = await collect(chunks)
        .catch(() => undefined) // whatever keeps it from being read (spec 10 §11.9)
        .finally(end);
      if (text === undefined) return missing();
      // A line that is just being written belongs to the next reader.
      return new Response(text.slice(0, text.lastIndexOf('\n') + 1), {
        headers: { 'Content-Type': 'text/plain' },
      });
    },
  );
}

/** Throws what reading throws. */
async function exhaust(pieces: AsyncIterator<Piece>): Promise<void> {
  while (!(await pieces.next()).done);
}

async function answerWith(
  c: Context,
  pieces: AsyncIterator<Piece>,
  { follow, end }: { readonly follow: boolean; readonly end: () => void },
): Promise<Response> {
  if (follow && c.req.header('accept')?.includes('text/event-stream'))
    return eventStream(linesOfStreams(pieces), end);
  if (follow) return textStream(bytesOf(pieces), end);
  // Asked for before the answer begins, so that what fails is an error and not a log cut short.
  const first = await pieces.next();
  return textStream(bytesOf(pieces, first.done === true ? undefined : first.value), end);
}

async function* bytesOf(pieces: AsyncIterator<Piece>, first?: Piece): AsyncGenerator<Uint8Array> {
  if (first !== undefined) yield first.bytes;
  for (;;) {
    const { done, value } = await pieces.next();
    if (done === true) return;
    yield value.bytes;
  }
}

/** Longest piece of a line that one event holds. */
const MAX_LINE_BYTES = 64 * 1024;

/** Whole lines, each stream on its own; a line of a stream that ended without a newline comes last. */
async function* linesOfStreams(pieces: AsyncIterator<Piece>): AsyncGenerator<ServerEvent> {
  const rest = new Map<string, { readonly decoder: TextDecoder; text: string }>();
  for (;;) {
    const { done, value } = await pieces.next();
    if (done === true) break;
    const state = rest.get(value.stream) ?? { decoder: new TextDecoder(), text: '' };
    rest.set(value.stream, state);
    const lines = (state.text + state.decoder.decode(value.bytes, { stream: true })).split('\n');
    state.text = lines.pop() ?? '';
    for (const line of lines) yield { event: value.stream, data: line };
    if (state.text.length > MAX_LINE_BYTES) {
      yield { event: value.stream, data: state.text };
      state.text = '';
    }
  }
  for (const [event, { text }] of rest) if (text !== '') yield { event, data: text };
}

async function* asPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  // The same buffer is filled again for the next piece, so each is copied.
  for await (const bytes of chunks) yield { stream: 'log', bytes: Uint8Array.from(bytes) };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts).toString('utf8');
}
