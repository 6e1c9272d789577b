import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { useEverything } from './everything.ts';

const PYTHON = process.env['THV_TEST_PYTHON'] ?? '';
const CLIENT = join(import.meta.dir, 'python', 'client.py');

describe.if(PYTHON !== '')('the official Python SDK', () => {
  onEachEngine((engine) => {
    const everything = useEverything(engine);

    test.each(['/mcp', '/sse'] as const)('uses the reference server through %s', async (face) => {
      const child = Bun.spawn([PYTHON, CLIENT, everything.url(face)], {
        env: { PATH: process.env['PATH'], HOME: everything.home },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
        timeout: 40_000,
      });
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      expect(stderr).toBe('');
      const seen = JSON.parse(stdout);
      expect(seen).toMatchObject({
        protocol: '2025-11-25',
        server: 'mcp-servers/everything',
        echo: 'Echo: grüß dich 👩‍💻',
        long: 'Long running operation completed. Duration: 0.4 seconds, Steps: 4.',
        tools: expect.arrayContaining(['echo', 'get-roots-list', 'trigger-sampling-request']),
        prompts: expect.arrayContaining(['args-prompt', 'simple-prompt']),
        sampling: expect.stringContaining('sampled 17 tokens'),
        roots: expect.stringContaining('file:///a/root'),
      });
      expect(seen.resources).toBeGreaterThan(0);
      expect(seen.progress.slice(0, 3)).toEqual([
        [1, 4],
        [2, 4],
        [3, 4],
      ]);
    });
  });
});
