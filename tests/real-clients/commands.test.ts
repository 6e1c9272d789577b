import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askCodex } from './codex.ts';
import { askContinue, CONTINUE_SETTINGS } from './continue.ts';
import { ENGINE, FOLDERS, type Home, openWorkloads, type Workloads } from './workloads.ts';

/** What a client says of each server it sees: `reached`, or its own word. */
type Answer = Readonly<Record<string, string>>;

interface RealClient {
  /** Id of `thv client`. */
  readonly id: string;
  readonly package: string;
  /** The settings file below the home folder, and what a person had in it. */
  readonly settings: string;
  readonly before: string;
  /** The client adds to the file when it runs for the first time. */
  readonly settles?: boolean;
  readonly speaksSse?: boolean;
  readonly ask: (folder: string, home: Home) => Promise<Answer>;
}

const JSON_BEFORE = `{
  // mine
  "theme": "dark",
  "mcpServers": {
  }
}
`;

const CLIENTS: Readonly<Record<string, RealClient>> = {
  'Claude Code, `claude mcp list`': {
    id: 'claude-code',
    package: '@anthropic-ai/claude-code',
    settings: '.claude.json',
    before: '{\n  "theme": "dark"\n}\n',
    settles: true,
    ask: async (folder, home) =>
      answerOf(
        (await home.run(['node', join(folder, 'cli-wrapper.cjs'), 'mcp', 'list'])).stdout,
        /^(\S+): \S+ \(\w+\) - . (.+)$/gm,
        'Connected',
      ),
  },
  'Codex, its app server’s `mcpServerStatus/list`': {
    id: 'codex',
    package: '@openai/codex',
    settings: '.codex/config.toml',
    before: '# mine\nmodel = "x"\n\n[mcp_servers.theirs] # off\ncommand = "false"\nenabled = false\n',
    speaksSse: false,
    ask: askCodex,
  },
  'Gemini CLI, `gemini mcp list`': {
    id: 'gemini-cli',
    package: '@google/gemini-cli',
    settings: '.gemini/settings.json',
    before: JSON_BEFORE,
    async ask(folder, home) {
      // Servers are switched off in folders that nobody trusted.
      await writeFile(
        join(dirname(home.path), 'trustedFolders.json'),
        JSON.stringify({ [home.work]: 'TRUST_FOLDER' }),
      );
      const { stderr } = await home.run(['node', join(folder, 'bundle', 'gemini.js'), 'mcp', 'list']);
      return answerOf(stderr, /^. (\S+): \S+ \(\w+\) - (.+)$/gm, 'Connected');
    },
  },
  'Qwen Code, `qwen mcp list`': {
    id: 'qwen-code',
    package: '@qwen-code/qwen-code',
    settings: '.qwen/settings.json',
    before: '{\n  "mcpServers": {},\n  "$version": 4\n}\n',
    ask: async (folder, home) =>
      answerOf(
        (await home.run(['node', join(folder, 'cli.js'), 'mcp', 'list'])).stdout,
        /^. (\S+): \S+ \(\w+\) - (.+)$/gm,
        'Connected',
      ),
  },
  'Qoder CLI, `qodercli mcp list`': {
    id: 'qoder-cli',
    package: '@qoder-ai/qodercli',
    settings: '.qoder/settings.json',
    before: '{\n  "mcpServers": {}\n}\n',
    ask: async (folder, home) =>
      answerOf(
        (await home.run(['node', join(folder, 'bundle', 'qodercli.js'), 'mcp', 'list'])).stdout,
        /^. (\S+): \S+ \(\w+\) - (\w+)/gm,
        'Connected',
      ),
  },
  'opencode, `opencode mcp list`': {
    id: 'opencode',
    package: 'opencode-ai',
    settings: '.config/opencode/opencode.jsonc',
    before: '{\n  // mine\n  "$schema": "https://opencode.ai/config.json",\n}\n',
    ask: async (folder, home) =>
      answerOf(
        (await home.run([openCodeIn(folder), 'mcp', 'list'])).stdout,
        /^\S+\s+. (\S+) (\w+)/gm,
        'connected',
      ),
  },
  'Continue CLI, the tools that it offers its model': {
    id: 'continue',
    package: '@continuedev/cli',
    settings: '.continue/config.yaml',
    before: CONTINUE_SETTINGS,
    ask: askContinue,
  },
  'mcporter, `mcporter list`, from Cursor’s settings': {
    id: 'cursor',
    package: 'mcporter',
    settings: '.cursor/mcp.json',
    before: JSON_BEFORE,
    async ask(folder, home) {
      const { stdout } = await home.run(['node', join(folder, 'dist', 'cli.js'), 'list', '--json']);
      const { servers }: { servers: readonly { name: string; status: string }[] } = JSON.parse(stdout);
      return Object.fromEntries(
        servers.map(({ name, status }) => [name, status === 'ok' ? 'reached' : status]),
      );
    },
  },
};

describe.if(ENGINE !== undefined)('a client asked by its own command', () => {
  let workloads: Workloads;
  beforeAll(async () => {
    workloads = await openWorkloads();
  });
  afterAll(() => workloads[Symbol.asyncDispose]());

  for (const [
    title,
    { id, package: name, settings, before, settles, speaksSse = true, ask },
  ] of Object.entries(CLIENTS)) {
    const folder = FOLDERS[name] ?? '';
    test.if(folder !== '')(
      `${title}: sees and reaches what register wrote, and remove leaves its file byte for byte`,
      async () => {
        const home = await workloads.openHome(id, settings);
        await home.write(before);
        if (settles) expect(await ask(folder, home)).toEqual({});
        const untouched = await home.text();
        expect(await home.client('register', id)).toBe(
          speaksSse
            ? ''
            : `${id} cannot connect over SSE, which is all that '${workloads.sse}' serves; it was not written\n`,
        );
        expect(await ask(folder, home)).toEqual({
          [workloads.http]: 'reached',
          ...(speaksSse ? { [workloads.sse]: 'reached' } : {}),
        });
        await home.client('remove', id);
        expect(await home.text()).toBe(untouched);
      },
    );
  }
});

/** One line for each server: its name and what the client says of it. */
function answerOf(listed: string, line: RegExp, word: string): Answer {
  return Object.fromEntries(
    [...listed.matchAll(line)].map(([, name = '', said = '']) => [name, said === word ? 'reached' : said]),
  );
}

/** The program lies in a package for the platform; where there is one for older processors too, that runs everywhere. */
function openCodeIn(folder: string): string {
  const platform = `opencode-${process.platform}-${process.arch}`;
  const programs = [`${platform}-baseline`, platform].map((name) =>
    join(folder, '..', name, 'bin', 'opencode'),
  );
  return programs.find((program) => existsSync(program)) ?? join(folder, 'bin', 'opencode');
}
