import { proxyEnvironment } from '../sandbox/index.ts';

/** Where a process finds its way out, with the switch that makes Node heed it. */
export function processProxyEnvironment(port: number): Readonly<Record<string, string>> {
  return { ...proxyEnvironment(`http://127.0.0.1:${port}`), NODE_USE_ENV_PROXY: '1' };
}
