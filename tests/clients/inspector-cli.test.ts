import { describe, expect, test } from 'bun:test';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { useEverything } from './everything.ts';

const INSPECTOR = process.env['THV_TEST_INSPECTOR'] ?? '';

describe.if(INSPECTOR !== '')('the MCP Inspector on the command line', () => {
  // Clients talk to the proxy and never to an engine: one will do.
  onOneEngine((engine) => {
    const everything = useEverything(engine);

    describe.each([
      { face: '/mcp', transport: 'http' },
      { face: '/sse', transport: 'sse' },
    ] as const)('over $transport', ({ face, transport }) => {
      const inspect = (...args: readonly string[]) =>
        runInspector(everything.home, [everything.url(face), '--transport', transport, ...args]);

      test('lists tools', async () => {
        expect(namesIn((await inspect('--method', 'tools/list')).tools)).toContain('get-sum');
      });

      test('calls a tool', async () => {
        const call = ['--method', 'tools/call', '--tool-name', 'get-sum', '--tool-arg', 'a=2', 'b=40'];
        expect((await inspect(...call)).content).toEqual([
          { type: 'text', text: 'The sum of 2 and 40 is 42.' },
        ]);
      });

      test('lists resources', async () => {
        expect((await inspect('--method', 'resources/list')).resources?.length).toBeGreaterThan(0);
      });

      test('lists prompts', async () => {
        expect(namesIn((await inspect('--method', 'prompts/list')).prompts)).toContain('args-prompt');
      });
    });
  });
});

interface Inspected {
  readonly tools?: readonly Named[];
  readonly prompts?: readonly Named[];
  readonly resources?: readonly Named[];
  readonly content?: unknown;
}

interface Named {
  readonly name: string;
}

async function runInspector(home: string, args: readonly string[]): Promise<Inspected> {
  const child = Bun.spawn([process.execPath, INSPECTOR, '--cli', ...args], {
    // It keeps a catalogue there.
    env: { PATH: process.env['PATH'], HOME: home },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 30_000,
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0) throw new Error(`the inspector exited with ${exitCode}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

function namesIn(items: readonly Named[] = []): readonly string[] {
  return items.map(({ name }) => name);
}
