import { describe, expect, test } from 'bun:test';
import { startOnTerminal } from '../harness/pty.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';

const PASSWORD = { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' };
const PROMPT = 'Enter secret value (input will be hidden): ';

function onTerminal(world: World, script: string) {
  return startOnTerminal(['sh', '-c', script], { env: { ...world.env, THV: BINARY }, cwd: world.work });
}

describe.skipIf(process.platform === 'win32')('secret set on a terminal', () => {
  test('asks, hides what is typed, and keeps it', async () => {
    await using world = await openWorld(undefined, { env: PASSWORD });
    await world.ok(['secret', 'provider', 'encrypted']);
    const pty = onTerminal(world, '"$THV" secret set a; echo "ended with $?"');
    await pty.appeared(PROMPT);
    pty.type('planted');
    pty.type('-value\r');
    await pty.appeared('ended with 0');
    await pty.finished();
    expect(pty.screen).toBe(`${PROMPT}\nended with 0\n`);
    expect(await world.ok(['secret', 'get', 'a'])).toBe('planted-value\n');
  });

  test.each([
    ['return', '\r', 'Error: validation error: secret value cannot be empty\nended with 1'],
    ['Ctrl-D', '\u0004', 'Error: validation error: secret value cannot be empty\nended with 1'],
    ['Ctrl-C', 'half\u0003', 'Error: interrupted\nended with 130'],
  ])('%s alone sets nothing, and the terminal shows again what is typed', async (_, keys, end) => {
    await using world = await openWorld(undefined, { env: PASSWORD });
    await world.ok(['secret', 'provider', 'encrypted']);
    const pty = onTerminal(world, '"$THV" secret set a; echo "ended with $?"; stty -a');
    await pty.appeared(PROMPT);
    pty.type(keys);
    await pty.appeared(end);
    await pty.finished();
    expect(pty.screen).toMatch(/ icanon .* echo /s);
    expect(pty.screen).not.toContain('half');
    expect(await world.ok(['secret', 'list'])).toBe('No secrets found\n');
  });

  test('a signal from elsewhere ends it, and the terminal shows again what is typed', async () => {
    await using world = await openWorld(undefined, { env: PASSWORD });
    const pty = onTerminal(world, '"$THV" secret set a; echo "ended with $?"; stty -a');
    await pty.appeared(PROMPT);
    const [prompting] = (await world.processes()).filter(({ command }) => command.startsWith(BINARY));
    process.kill(prompting?.pid ?? 0, 'SIGTERM');
    await pty.appeared('ended with 143');
    await pty.finished();
    expect(pty.screen).toMatch(/ icanon .* echo /s);
  });

  test('set-build-auth-file --stdin does not wait for a terminal', async () => {
    await using world = await openWorld(undefined, { env: PASSWORD });
    const pty = onTerminal(world, '"$THV" config set-build-auth-file npmrc --stdin');
    expect(await pty.finished()).toBe(1);
    expect(pty.screen).toBe('Error: no input provided on stdin (pipe content or redirect from a file)\n');
  });
});
