import { expect, test } from 'bun:test';
import type { Invocation } from '../cli/index.ts';
import type { Workload } from '../workloads/index.ts';
import { findServerUrl } from './mcp-server-flags.ts';

const URL_HERE = 'http://127.0.0.1:1/mcp';

/** Finds the server `a`, which is seen in one status after the other and stays in the last. */
function find(statuses: readonly string[], url: string): Promise<string> {
  const left = [...statuses];
  const get = async () => ({ status: left.length > 1 ? left.shift() : left[0], url }) as Workload;
  const openWorkloads = async () => ({ get }) as unknown as Awaited<ReturnType<Invocation['openWorkloads']>>;
  const signal = new AbortController().signal;
  const found = findServerUrl('a', { openWorkloads, signal, options: { timeout: 250 } });
  return found.then(String, ({ message }: Error) => message);
}

test.each([
  [['running'], URL_HERE, URL_HERE],
  [['starting', 'starting', 'running'], URL_HERE, URL_HERE],
  [['running'], '', "server 'a' does not have connection details"],
  [
    ['stopped'],
    URL_HERE,
    "server 'a' is not running (status: stopped). Hint: start it with 'thv start a --wait'",
  ],
  [
    ['starting', 'error'],
    URL_HERE,
    "server 'a' is not running (status: error). Hint: start it with 'thv start a --wait'",
  ],
  [['starting'], URL_HERE, "server 'a' is not running (status: starting). Hint: see 'thv status a'"],
])('a workload seen as %j at %j: %s', async (statuses, url, expected) => {
  expect(await find(statuses, url)).toBe(expected);
});
