import { expect, test } from 'bun:test';
import { silentLogger } from '../platform/index.ts';
import { startUpdateCheck } from './update-notice.ts';

test.each([
  ['thv run', false, true],
  ['thv run', true, true],
  ['thv secret get', false, true],
  ['thv list', true, true],
  ['thv list', false, false],
  ['thv mcp list tools', true, true],
  ['thv mcp list', false, false],
  ['thv secret list', false, false],
  ['thv config get-ca-cert', false, false],
  ['thv config otel get-endpoint', false, false],
  ['thv version', true, false],
  ['thv help', true, false],
  ['thv completion bash', true, false],
  ['thv __complete', true, false],
  ['thv host', true, false],
])('%s with stderr on a terminal: %p, looks for an endpoint: %p', (command, stderrIsTty, looks) => {
  let hasLooked = false;
  const none = () => true;
  startUpdateCheck({
    command,
    env: {},
    terminal: {
      stdinIsTty: false,
      stdoutIsTty: false,
      stderrIsTty,
      columns: undefined,
      hasColours: false,
      out: none,
      err: none,
    },
    findPaths() {
      hasLooked = true;
      return Promise.reject(new Error('no paths in this test'));
    },
    openLog: async () => silentLogger,
  }).end();
  expect(hasLooked).toBe(looks);
});
