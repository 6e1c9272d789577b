import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf, ThvError } from '../errors/index.ts';
import { parseResponseHead } from '../net/index.ts';
import { open, readHead } from './open.ts';
import type { ProxyRequest } from './request-head.ts';

interface Through {
  readonly socket: Socket;
  /** To be passed on to the client before anything else. */
  readonly received: Uint8Array;
}

/**
 * Takes a request to its host by way of the proxy that this machine needs itself: a tunnel for TLS, otherwise the request in the
 * form that a proxy is asked in (RFC 9112 §3.2.2). Throws `ERR_SYSTEM` when the proxy does not serve it.
 */
export async function openThrough(proxy: string, request: ProxyRequest): Promise<Through> {
  const url = new URL(/^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refused(`a ${url.protocol.slice(0, -1)} proxy cannot be used here, only an HTTP proxy`);
  }
  const isTls = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const tcp = await open(hostname, url.port === '' ? (isTls ? 443 : 80) : Number(url.port));
  const socket = isTls ? await secured(tcp, hostname) : tcp;
  try {
    const login = authorizationOf(url);
    if (request.forwardedHead !== undefined) {
      socket.write(absoluteForm(request, request.forwardedHead, login));
      return { socket, received: new Uint8Array() };
    }
    const target = `${request.host}:${request.port}`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${login}\r\n`);
    const answer = await readHead(socket);
    const problem = answer === undefined ? 'it hung up' : problemIn(answer.head);
    if (answer === undefined || problem !== undefined)
      throw refused(`the proxy ${url.host} does not lead to ${target}: ${problem}`);
    return { socket, received: answer.rest };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** `undefined` for the head of an answer that agrees to a tunnel. */
function problemIn(head: string): string | undefined {
  try {
    const { status } = parseResponseHead(`${head}\r\n\r\n`);
    return status >= 200 && status < 300 ? undefined : `status ${status}`;
  } catch (error) {
    return messageOf(error);
  }
}

function secured(socket: Socket, servername: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const secure = connectTls({ socket, servername }, () => resolve(secure));
  secure.once('error', reject);
  return promise;
}

function authorizationOf({ username, password }: URL): string {
  if (username === '') return '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Proxy-Authorization: Basic ${Buffer.from(login).toString('base64')}\r\n`;
}

function absoluteForm({ host, port }: ProxyRequest, head: string, login: string): string {
  const [first = '', ...lines] = head.split('\r\n');
  const authority = port === 80 ? host : `${host}:${port}`;
  return [first.replace(' /', ` http://${authority}/`), ...lines]
    .join('\r\n')
    .replace('\r\n', `\r\n${login}`);
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_SYSTEM', { reason });
}
