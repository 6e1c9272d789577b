import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createEngine, type Engine } from '../harness/engine.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A request that is held back. */
interface HeldRequest {
  readonly line: string;
  /** Its sender has closed the connection: killed, or gave up. */
  isAbandoned(): boolean;
}

/** Requests of one kind wait from now on, until they are let go. */
interface Hold {
  readonly requests: readonly HeldRequest[];
  /** Resolves when so many have come; one unless given. */
  arrived(count?: number): Promise<void>;
  /** Lets those that wait, and all that come, through to the engine. */
  release(): void;
}

export interface SlowEngine extends AsyncDisposable {
  /** The same engine, through the slow socket. */
  readonly engine: Engine;
  /** `when`: `before` the engine has heard of the request, or `after` it has done it, before it answers. */
  hold(pattern: RegExp, when?: 'before' | 'after'): Hold;
}

interface Rule {
  readonly pattern: RegExp;
  readonly when: 'before' | 'after';
  readonly requests: HeldRequest[];
  readonly released: Promise<void>;
}

/**
 * A real engine that takes its time: a socket in front of its own that holds back chosen requests. Like Docker it finishes what it was
 * asked for when the one who asked is gone.
 */
export async function openSlowEngine(engine: Engine, folder: string): Promise<SlowEngine> {
  const rules: Rule[] = [];
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    serve(client, engine.socket, rules, open).catch(() => client.destroy());
  });
  const socket = join(folder, 'slow.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    engine: createEngine({ kind: engine.kind, socket }),
    hold(pattern, when = 'before') {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const requests: HeldRequest[] = [];
      const rule = { pattern, when, requests, released };
      rules.push(rule);
      return {
        requests,
        async arrived(count = 1) {
          await waitFor(
            () => requests.map(({ line }) => line),
            (lines) => lines.length >= count,
            { what: `${count} × ${pattern} has come`, deadlineMs: 20_000 },
          );
        },
        release() {
          rules.splice(rules.indexOf(rule), 1);
          release();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const each of open) each.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One connection, which carries one request: the program keeps none alive. */
async function serve(
  client: Socket,
  target: string,
  rules: readonly Rule[],
  open: Set<Socket>,
): Promise<void> {
  keep(client, open);
  let isGone = false;
  const leave = () => {
    isGone = true;
  };
  client
    .on('error', () => undefined)
    .on('end', leave)
    .on('close', leave);
  const parts: Buffer[] = [];
  const collect = (part: Buffer) => void parts.push(part);
  client.on('data', collect);
  await waitFor(
    () => parts.length > 0 && isWhole(Buffer.concat(parts)),
    (isComplete) => isComplete || isGone,
    { what: 'a whole request', intervalMs: 2 },
  );
  const line = Buffer.concat(parts).toString('latin1').split('\r\n', 1)[0] ?? '';
  const rule = rules.find(({ pattern }) => pattern.test(line));
  rule?.requests.push({ line, isAbandoned: () => isGone });
  if (rule?.when === 'before') await rule.released;

  const upstream = connect({ path: target, allowHalfOpen: true });
  keep(upstream, open);
  upstream.on('error', () => client.destroy());
  upstream.write(Buffer.concat(parts));
  if (rule !== undefined) {
    // Whether or not somebody still listens, the engine is heard to its end.
    upstream.pause();
    if (rule.when === 'after') await rule.released;
    upstream.on('data', (part) => void (isGone ? undefined : client.write(part)));
    upstream.on('end', () => client.end());
    upstream.resume();
    return;
  }
  client.off('data', collect);
  client.pipe(upstream);
  upstream.pipe(client);
  client.on('close', () => upstream.destroy());
}

function keep(socket: Socket, open: Set<Socket>): void {
  open.add(socket);
  socket.on('close', () => open.delete(socket));
}

/** The head, and as much of a body as it announces. */
function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return bytes.length >= end + 4 + length;
}
