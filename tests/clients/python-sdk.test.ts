import { describe, expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBehindBridge, openBehindReverseProxy } from '../conformance/endpoints.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { openWorld } from '../proxy/world.ts';
import { useEverything } from './everything.ts';

const PYTHON = process.env['THV_TEST_PYTHON'] ?? '';

describe.if(PYTHON !== '')('the official Python SDK', () => {
  // Clients talk to the proxy and never to an engine: one will do.
  onOneEngine((engine) => {
    const everything = useEverything(engine);

    // The reference server knows no 2026-07-28: the proxy speaks it on its behalf.
    test.each([
      ['/mcp', '2026-07-28'],
      ['/sse', '2025-11-25'],
    ] as const)('uses the reference server through %s', async (face, protocol) => {
      const seen = await runClient('client.py', everything.url(face), everything.home);
      expect(seen).toMatchObject({
        protocol,
        server: 'mcp-servers/everything',
        echo: 'Echo: grüß dich 👩‍💻',
        long: 'Long running operation completed. Duration: 0.4 seconds, Steps: 4.',
        tools: expect.arrayContaining(['echo', 'get-roots-list', 'trigger-sampling-request']),
        prompts: expect.arrayContaining(['args-prompt', 'simple-prompt']),
        sampling: expect.stringContaining('sampled 17 tokens'),
        roots: expect.stringContaining('file:///a/root'),
      });
      expect(seen.resources).toBeGreaterThan(0);
      expect(seen.progress?.slice(0, 3)).toEqual([
        [1, 4],
        [2, 4],
        [3, 4],
      ]);
    });
  });

  test('gets results that are larger than the events it takes, slow ones too', async () => {
    await using world = await openWorld();
    expect(await runClient('large_client.py', `${world.base}/mcp`, tmpdir())).toEqual({
      protocol: '2026-07-28',
      fast: 2_000_000,
      slow: 2_000_000,
    } as never);
  });

  test.each([
    ['server-stdio', openBehindBridge],
    ['the reverse proxy', openBehindReverseProxy],
  ])('finds a server of 2026-07-28 behind %s, and answers what its results ask', async (_, open) => {
    await using place = await open();
    const seen = await runClient('modern_client.py', place.url, tmpdir());
    expect(seen).toMatchObject({
      protocol: '2026-07-28',
      progress: [0, 50, 100],
      elicited: 'Hello, Ada!',
      several: expect.stringMatching(/^state-ok .*Ada.*sampled.*file:\/\/\/a\/root/),
      rounds: 'Both steps are done',
      header: 'region grüß dich',
    });
  });
});

/** What the script printed; of the rest only the text is looked at. */
interface Seen {
  readonly resources?: number;
  readonly progress?: readonly unknown[];
}

async function runClient(script: string, url: string, home: string): Promise<Seen> {
  const child = Bun.spawn([PYTHON, join(import.meta.dir, 'python', script), url], {
    env: { PATH: process.env['PATH'], HOME: home },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 40_000,
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}
