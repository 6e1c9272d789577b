import type { Engine } from '../harness/engine.ts';
import { engineRequest } from '../harness/engine.ts';

/** Something that a server tries, from inside its container. */
export type Attempt =
  /** Through the proxy that its variables name: the status, or how it failed. */
  | { readonly via: 'proxy'; readonly url: string; readonly method?: 'GET' | 'CONNECT' }
  /** Past the proxy: `connected`, or how it failed. */
  | { readonly via: 'tcp'; readonly host: string; readonly port: number }
  /** A datagram, and whether anything comes back. */
  | { readonly via: 'udp'; readonly host: string; readonly port: number }
  /** A name, at the resolver of the container or at another: the addresses, or how it failed. */
  | { readonly via: 'dns'; readonly name: string; readonly resolver?: string };

export type Outcome = string | number;

/** What comes of attempts made one beside the other in a container with Node. Past the proxy, `silence` is 3 s of it. */
export async function attempt(
  engine: Engine,
  container: string,
  attempts: readonly Attempt[],
): Promise<readonly Outcome[]> {
  const output = await runIn(engine, container, [
    '/bin/node',
    '-e',
    `(${attemptAll})(${JSON.stringify(attempts)})`,
  ]);
  const [, json] = /RESULTS(\[.*\])END/.exec(output) ?? [];
  if (json === undefined) throw new Error(`the attempts in ${container} did not end: ${output}`);
  return JSON.parse(json) as readonly Outcome[];
}

/** Runs a program in a container; gives what it prints. */
export async function runIn(engine: Engine, container: string, command: readonly string[]): Promise<string> {
  const settings = { Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true };
  const created = await engineRequest(
    engine,
    'POST',
    `/containers/${container}/exec`,
    JSON.stringify(settings),
  );
  if (!created.ok) throw new Error(`no program can be run in ${container}: ${await created.text()}`);
  const { Id } = (await created.json()) as { readonly Id: string };
  const started = await engineRequest(
    engine,
    'POST',
    `/exec/${Id}/start`,
    JSON.stringify({ Detach: false, Tty: true }),
  );
  return await started.text();
}

/** Runs inside, so it uses nothing of this file. */
async function attemptAll(attempts: readonly Attempt[]): Promise<void> {
  const { request } = require('node:http') as typeof import('node:http');
  const { connect } = require('node:net') as typeof import('node:net');
  const { createSocket } = require('node:dgram') as typeof import('node:dgram');
  const { promises: dns } = require('node:dns') as typeof import('node:dns');
  const limit = 3000;
  const proxy = new URL(process.env['HTTP_PROXY'] ?? 'http://no-proxy.invalid');
  const codeOf = (error: unknown) => (error as { code?: string }).code ?? String(error);

  const one = (tried: Attempt): Promise<Outcome> =>
    new Promise((resolve) => {
      // A proxy may ask a dead resolver of this machine first.
      setTimeout(() => resolve('silence'), tried.via === 'proxy' ? 5 * limit : limit).unref();
      switch (tried.via) {
        case 'proxy': {
          const { url, method = 'GET' } = tried;
          const sent = request({ host: proxy.hostname, port: proxy.port, path: url, method, agent: false });
          sent.on('error', (error) => resolve(codeOf(error)));
          sent.on('connect', (answer) => resolve(answer.statusCode ?? 0));
          sent.on('response', (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          });
          sent.end();
          break;
        }
        case 'tcp': {
          const socket = connect({ host: tried.host, port: tried.port });
          socket.on('connect', () => resolve('connected'));
          socket.on('error', (error) => resolve(codeOf(error)));
          break;
        }
        case 'udp': {
          const socket = createSocket(tried.host.includes(':') ? 'udp6' : 'udp4');
          socket.on('message', () => resolve('answered'));
          socket.on('error', (error) => resolve(codeOf(error)));
          socket.send('ping', tried.port, tried.host, (error) => error && resolve(codeOf(error)));
          break;
        }
        case 'dns': {
          const resolver = new dns.Resolver({ timeout: 1000, tries: 1 });
          if (tried.resolver !== undefined) resolver.setServers([tried.resolver]);
          const asked: Promise<unknown> =
            tried.resolver === undefined ? dns.lookup(tried.name) : resolver.resolve4(tried.name);
          asked.then(
            () => resolve('resolved'),
            (error) => resolve(codeOf(error)),
          );
        }
      }
    });
  const outcomes = await Promise.all(attempts.map(one));
  process.stdout.write(`RESULTS${JSON.stringify(outcomes)}END`);
  process.exit(0);
}
