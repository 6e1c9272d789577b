import { messageOf } from '../errors/index.ts';

/** What the operating system's codes mean for a socket of an engine, in the words its own tools use. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ECONNREFUSED: 'connection refused',
  ConnectionRefused: 'connection refused',
  FailedToOpenSocket: 'connection refused',
  ECONNRESET: 'the engine closed the connection without an answer',
  ConnectionClosed: 'the engine closed the connection without an answer',
  EPIPE: 'the engine closed the connection',
  ENAMETOOLONG: 'the path is too long for a socket',
  ENOTSOCK: 'not a socket',
};

/** Bun's own messages speak of URLs and ports, which a person with a socket path cannot use. */
export function describeSocketError(error: unknown): string {
  const code = codeOf(error);
  return (code === undefined ? undefined : MEANINGS[code]) ?? messageOf(error);
}

/** `error` is what the parser objects to. */
export function notHttp(error: unknown): Error {
  return new Error(`what answered does not speak HTTP: ${messageOf(error)}`, { cause: error });
}

export function isPermissionError(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EACCES' || code === 'EPERM' || messageOf(error).includes('permission denied');
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
