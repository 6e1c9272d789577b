import { expect, test } from 'bun:test';
import { renderHelp } from '../../src/cli/index.ts';
import { inspector } from '../../src/commands/inspector.ts';
import { runInProcess } from './in-process.ts';

test('prints where the page is', async () => {
  const asked: unknown[] = [];
  const inspect = async (name: string, request: object) => {
    asked.push(name, request);
    return 'http://localhost:7000?x';
  };
  const args = ['inspector', 'a', '-u', '7000', '--mcp-proxy-port', '7001'];
  expect(await runInProcess(args, { workloads: { inspect } })).toEqual({
    exit: 0,
    stdout: 'Inspector UI is now available at http://localhost:7000?x\n',
    stderr: '',
  });
  expect(asked).toEqual(['a', { uiPort: 7000, mcpProxyPort: 7001 }]);
});

test.each([
  [['a', '-u', '0'], 'invalid value for --ui-port: 0 (must be between 1 and 65535)'],
  [['a', '-p', '6274'], '--ui-port and --mcp-proxy-port must differ, got 6274 for both'],
  [[], 'accepts 1 arg(s), received 0'],
])('%p is refused', async (args, message) => {
  const result = await runInProcess(['inspector', ...args], { workloads: {} });
  expect([result.exit, result.stdout, result.stderr.split('\n')[0]]).toEqual([1, '', `Error: ${message}`]);
});

test.each(['MCP Inspector UI', '--ui-port', '--mcp-proxy-port'])('the help names %s', (text) => {
  const info = { description: '' };
  expect(renderHelp({ path: 'thv inspector', command: inspector, info })).toContain(text);
});
