import { expect, test } from 'bun:test';
import type { Invocation } from '../cli/index.ts';
import type { Workload } from '../workloads/index.ts';
import { findServerUrl } from './mcp-server-flags.ts';

test.each([
  ['running', 'http://127.0.0.1:1/mcp', 'http://127.0.0.1:1/mcp'],
  ['running', '', "server 'a' does not have connection details"],
  [
    'stopped',
    'http://127.0.0.1:1/mcp',
    "server 'a' is not running (status: stopped). Please start it first using 'thv run a'",
  ],
])('a workload that is %s at %j: %s', async (status, url, expected) => {
  const get = async () => ({ status, url }) as Workload;
  const openWorkloads = async () => ({ get }) as unknown as Awaited<ReturnType<Invocation['openWorkloads']>>;
  const found = findServerUrl('a', { openWorkloads, signal: new AbortController().signal });
  expect(await found.then(String, ({ message }: Error) => message)).toBe(expected);
});
