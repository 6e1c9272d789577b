import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { readHead } from '../egress/index.ts';

/** A request to the sidecar by the one who runs it. */
export interface ControlRequest {
  readonly method: string;
  readonly target: string;
  header(name: string): string | undefined;
  /** The whole body. Throws when it is too large, too slow, or cut short. */
  body(): Promise<string>;
  /** What came behind the head. */
  readonly rest: Uint8Array;
}

const MAX_BODY_BYTES = 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;

/** What of a token the sidecar is given: enough to know it, not to use it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Reads one request; `undefined` when the other end left, or cannot show the token whose digest is given. */
export async function readControlRequest(
  client: Socket,
  digest: string,
): Promise<ControlRequest | 'unauthorized' | undefined> {
  const received = await readHead(client);
  if (received === undefined) return undefined;
  const [first = '', ...lines] = received.head.split('\r\n');
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(first) ?? [];
  if (method === undefined || target === undefined) return 'unauthorized';
  const header = (name: string) => {
    const prefix = `${name}:`;
    const line = lines.find((each) => each.toLowerCase().startsWith(prefix));
    return line?.slice(prefix.length).trim();
  };
  const [, token = ''] = /^Bearer (\S+)$/i.exec(header('authorization') ?? '') ?? [];
  if (!timingSafeEqual(Buffer.from(tokenDigest(token)), Buffer.from(digest))) return 'unauthorized';
  const { rest } = received;
  const length = Number(header('content-length') ?? 0);
  return { method, target, header, rest, body: () => readBody(client, rest, length) };
}

async function readBody(client: Socket, rest: Uint8Array, length: number): Promise<string> {
  if (!Number.isInteger(length) || length < 0 || length > MAX_BODY_BYTES) throw new Error('body too large');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let received = Buffer.from(rest);
  const read = (chunk: Uint8Array) => {
    received = Buffer.concat([received, chunk]);
    if (received.length >= length) resolve(received.toString('utf8', 0, length));
  };
  const gone = () => reject(new Error('the request was cut short'));
  const timer = setTimeout(gone, BODY_TIMEOUT_MS);
  client.on('data', read).on('close', gone);
  read(Buffer.alloc(0));
  client.resume();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    client.off('data', read).off('close', gone);
  }
}

export function answerControl(client: Socket, status: number, text = ''): void {
  client.end(
    `HTTP/1.1 ${status} ${status < 300 ? 'OK' : 'Refused'}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
