import { createServer, type Socket } from 'node:net';
import * as v from 'valibot';
import { openOneOf, splice } from '../egress/index.ts';
import { messageOf } from '../errors/index.ts';
import { AdmissionSchema } from './admission.ts';
import { answerControl, type ControlRequest, readControlRequest } from './control-request.ts';
import { isWithin } from './subnet.ts';
import type { Workloads } from './workloads.ts';

/** Header with the workload's own address, which the engine tells our side and may change with every start. */
export const ADDRESS_HEADER = 'toolhive-address';

/** Connections that have not shown the token yet; a client may open as many at once as a workload has. */
const MAX_STRANGERS = 2048;
const HEARTBEAT_MS = 2000;

interface ControlOptions {
  readonly hostname: string;
  readonly port: number;
  /** SHA-256 of the token, in hexadecimal. */
  readonly digest: string;
  readonly workloads: Workloads;
}

/**
 * Where the sidecar is told what to do, and the way in to workloads. It listens in the network that the engine publishes a port
 * from, which no isolated workload is in, and serves only who shows the token.
 */
export async function openControl(options: ControlOptions): Promise<AsyncDisposable> {
  let strangers = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    if (strangers >= MAX_STRANGERS) return void client.destroy();
    strangers++;
    readControlRequest(client, options.digest)
      .finally(() => strangers--)
      .then(async (request) => {
        if (request === undefined) client.destroy();
        else if (request === 'unauthorized') answerControl(client, 401, 'the token is missing or wrong\n');
        else await serve(client, request, options.workloads);
      })
      .catch(() => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.hostname, port: options.port, backlog: 1024 }, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

async function serve(client: Socket, request: ControlRequest, workloads: Workloads): Promise<void> {
  const { method, target } = request;
  if (method === 'CONNECT') return await leadIn(client, request, workloads);
  if (method === 'GET' && target === '/life') return stream(client, () => () => undefined);
  if (method === 'GET' && target === '/workloads')
    return answerControl(client, 200, JSON.stringify(workloads.list()));
  const [, kind, name] = /^\/(workloads|decisions)\/([\w.-]+)$/.exec(target) ?? [];
  if (kind === 'decisions' && name !== undefined && method === 'GET') {
    return stream(client, (write) =>
      workloads.follow(name, (decision) => write(`${JSON.stringify(decision)}\n`)),
    );
  }
  if (kind === 'workloads' && name !== undefined && method === 'DELETE') {
    await workloads.withdraw(name);
    return answerControl(client, 200);
  }
  if (kind === 'workloads' && method === 'PUT') return await admit(client, await request.body(), workloads);
  answerControl(client, 404, 'no such thing\n');
}

async function admit(client: Socket, body: string, workloads: Workloads): Promise<void> {
  try {
    await workloads.admit(v.parse(AdmissionSchema, JSON.parse(body)));
    answerControl(client, 200);
  } catch (error) {
    answerControl(client, 400, `${messageOf(error)}\n`);
  }
}

/** Joins the client with a port of a workload's container, wherever in its network that is now. */
async function leadIn(client: Socket, request: ControlRequest, workloads: Workloads): Promise<void> {
  const [, name = '', digits] = /^([\w.-]+):(\d{1,5})$/.exec(request.target) ?? [];
  const port = Number(digits);
  const workload = workloads.find(name);
  const address = request.header(ADDRESS_HEADER) ?? '';
  if (workload === undefined) return answerControl(client, 404, `${name} is not admitted\n`);
  const { admission, log } = workload;
  const inside =
    isWithin(address, admission.address, admission.prefixLength) && address !== admission.address;
  log.add(
    { host: name, port, protocol: 'ingress' },
    inside ? { granted: true, rule: 'ingress' } : { granted: false, rule: 'not an address of this workload' },
  );
  if (!inside) return answerControl(client, 403, 'not an address of this workload\n');
  try {
    const upstream = await openOneOf([address], port);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (request.rest.byteLength > 0) upstream.write(request.rest);
    splice(client, upstream);
  } catch (error) {
    answerControl(client, 502, `${messageOf(error)}\n`);
  }
}

/** An answer that goes on until the client leaves, with an empty line now and then so that both ends notice a loss. */
function stream(client: Socket, follow: (write: (line: string) => void) => () => void): void {
  client.write('HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n\n');
  const write = (line: string) => {
    // One who does not read misses lines; they are counted all the same.
    if (client.writableLength < MAX_BEHIND_BYTES) client.write(line);
  };
  const stop = follow(write);
  const beating = setInterval(() => client.write('\n'), HEARTBEAT_MS);
  const end = () => {
    clearInterval(beating);
    stop();
    client.destroy();
  };
  client.on('close', end).on('end', end);
  client.resume();
}

const MAX_BEHIND_BYTES = 1024 * 1024;
