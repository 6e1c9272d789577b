import { expect, test } from 'bun:test';
import { createLogger } from '../../platform/log.ts';
import { createRecovery } from './recovery.ts';

test.each([
  [
    'thrown at once',
    () => {
      throw new Error('secret');
    },
  ],
  ['rejected', () => Promise.reject(new Error('secret'))],
])('an error %s becomes a 500 that says nothing, and a line in the log', async (_, next) => {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  const trace = { traceId: 'a1', parentId: 'b2', isSampled: true };
  const context = { path: '/mcp', remoteAddress: '', trace, keepOpen() {}, letGo() {} };
  const response = await createRecovery(null, { log })(new Request('http://x/mcp'), context, next);
  expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error\n']);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'ERROR',
    path: '/mcp',
    error: 'secret',
    trace: 'a1',
  });
});
