import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CASES, openRunner, processesWith, type Runner } from './runner.ts';

const FIXTURE = join(import.meta.dir, 'fixtures', 'greedy');
const OPEN = { insecure_allow_all: true };
/** What the machine downloads packages from: it can be reached, whatever else can. */
const REGISTRY = process.env['npm_config_registry'] ?? 'https://registry.npmjs.org/';

const hasPasta = Bun.which('pasta') !== null;

describe.skipIf(!hasPasta).each(CASES)(
  'a server in $sandbox that may go anywhere, started by user $user',
  ({ sandbox, user }) => {
    let runner: Runner;
    let api: Bun.Subprocess;
    let port: number;
    let other: number;
    const abstract = `thv-${Math.random()}`;
    const servers: Server[] = [];

    beforeAll(async () => {
      runner = await openRunner(user);
      port = freePort();
      const home = join(runner.folder, 'api');
      api = Bun.spawn([runner.executable, 'serve', '--host', '0.0.0.0', '--port', String(port)], {
        env: { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: home },
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      await waitFor(
        () => fetch(`http://127.0.0.1:${port}/health`).then(({ status }) => status, String),
        // 503 where the machine has no engine.
        (status) => typeof status === 'number',
        { what: 'the API answers' },
      );
      const listen = (to: object) =>
        new Promise<Server>((resolve) => {
          const server = createServer((socket) => socket.end()).listen(to, () => resolve(server));
          servers.push(server);
        });
      const address = (await listen({ port: 0, host: '::' })).address();
      other = typeof address === 'object' && address !== null ? address.port : 0;
      await listen({ path: `\0${abstract}` });
    });

    afterAll(async () => {
      api.kill();
      for (const server of servers) server.close();
      await runner[Symbol.asyncDispose]();
    });

    const order = (outbound: object, targets: readonly string[], env: Record<string, string> = {}) => ({
      sandbox,
      command: ['node', '/attack/greedy.js', 'reach', JSON.stringify(targets)],
      env: { BUN_BE_BUN: '1', ...env },
      mounts: [{ source: FIXTURE, target: '/attack', readOnly: true }],
      profile: { network: { outbound } },
    });

    async function reach(outbound: object, targets: readonly string[], env: Record<string, string> = {}) {
      const ran = await runner.run(order(outbound, targets, env));
      return { ...ran, reached: JSON.parse(ran.stdout) as Record<string, string> };
    }

    const own = Object.values(lastingInterfaces())
      .flat()
      .flatMap((each) => (each === undefined || each.internal || each.scopeid ? [] : [each.address]));

    test('gets at nothing of this machine', async () => {
      const hosts = [
        '127.0.0.1',
        '127.0.0.2',
        '0.0.0.0',
        '::1',
        '::',
        '::ffff:127.0.0.1',
        'localhost',
        ...own,
      ];
      const targets = [
        ...hosts.map((host) => `${host}:${other}`),
        ...['127.0.0.1', '0.0.0.0', 'localhost', '[::1]'].map(
          (host) => `http://${host}:${port}/api/v1beta/groups`,
        ),
        `@${abstract}`,
      ];
      const { reached, stderr } = await reach(OPEN, targets);
      expect(stderr).not.toContain('WEAK');
      expect(reached).toEqual(Object.fromEntries(targets.map((target) => [target, 'refused'])));
      const groups = await fetch(`http://127.0.0.1:${port}/api/v1beta/groups`).then((each) => each.text());
      expect(groups).not.toContain('attacked');
    }, 60_000);

    test('gets at interfaces of this machine by the address of the link neither', async () => {
      const links = Object.values(lastingInterfaces())
        .flat()
        .flatMap((each) => (each?.scopeid ? [each.address] : []));
      // The namespace's interface is called as the one that leads out of the machine.
      const targets = links.flatMap((address) =>
        Object.keys(lastingInterfaces()).map((name) => `${address}%${name}:${other}`),
      );
      const { reached } = await reach(OPEN, targets);
      expect(reached).toEqual(Object.fromEntries(targets.map((target) => [target, 'refused'])));
    }, 60_000);

    test('gets at the rest of the world, by name', async () => {
      const { reached } = await reach(OPEN, [REGISTRY]);
      expect(reached).toEqual({ [REGISTRY]: 'answered' });
    }, 60_000);

    test.each(['localhost', '127.0.0.1'])(
      'gets at the ports of %s that its profile names',
      async (host) => {
        const outbound = { ...OPEN, allow_host: [host], allow_port: [other] };
        const api = `http://127.0.0.1:${port}/api/v1beta/version`;
        const { reached } = await reach(outbound, [`127.0.0.1:${other}`, api]);
        expect(reached).toEqual({ [`127.0.0.1:${other}`]: 'reached', [api]: 'refused' });
      },
      60_000,
    );

    test('gets at the proxy of this machine that it was given for its way out', async () => {
      const env = { HTTPS_PROXY: `http://localhost:${other}` };
      const { reached } = await reach(OPEN, [`127.0.0.1:${other}`, `127.0.0.1:${port}`], env);
      expect(reached).toEqual({ [`127.0.0.1:${other}`]: 'reached', [`127.0.0.1:${port}`]: 'refused' });
    }, 60_000);

    test('is reached at its own port', async () => {
      const outside = freePort();
      const served = runner.run({
        ...order(OPEN, []),
        command: ['sh', '-c', 'node /attack/greedy.js serve 8000 & sleep 4'],
        port: { inside: 8000, outside },
      });
      await waitFor(
        () => fetch(`http://127.0.0.1:${outside}/`).then((response) => response.text(), String),
        (text) => text === 'served',
        { what: 'the server answers' },
      );
      await served;
    }, 60_000);

    test('ends, and it is said why, when it loses its network', async () => {
      const { command, env } = runner.commandFor({ ...order(OPEN, []), command: ['sleep', '60'] });
      const starter = Bun.spawn([...command], { env, stdio: ['pipe', 'ignore', 'pipe'] });
      const words = new Response(starter.stderr).text();
      const [pasta] = await waitFor(
        async () => await pastasOf(Number((await pastasOf(starter.pid))[0])),
        (found) => found.length === 1,
        { what: 'pasta runs' },
      );
      // It may still be configuring, and then the start fails.
      process.kill(Number(pasta), 'SIGKILL');
      expect(await starter.exited).not.toBe(0);
      expect(await words).toMatch(
        /failed to confine the process: pasta: |the network of the server is lost: |the network did not come up/,
      );
    }, 60_000);

    test.skipIf(user !== 'self' || process.getuid?.() !== 0)(
      'finds names when the resolver of this machine is on its loopback',
      async () => {
        const settings = join(runner.folder, 'resolv.conf');
        await writeFile(settings, 'nameserver 127.0.0.53\n');
        await using _ = await openResolver('127.0.0.53', [198, 51, 100, 7]);
        const { command, env } = runner.commandFor({
          ...order(OPEN, []),
          command: ['node', '/attack/greedy.js', 'resolve', 'somewhere.example'],
        });
        const child = Bun.spawn(
          [
            'unshare',
            '-m',
            'sh',
            '-c',
            'mount --bind "$0" /etc/resolv.conf; exec "$@"',
            settings,
            ...command,
          ],
          { env, stdio: ['pipe', 'pipe', 'pipe'] },
        );
        expect(await new Response(child.stdout).text()).toBe('{"address":"198.51.100.7","family":4}\n');
      },
      60_000,
    );

    test('leaves nothing behind when the one who started it is killed', async () => {
      const { command, env } = runner.commandFor({
        ...order(OPEN, []),
        command: ['sleep', '60'],
      });
      const starter = Bun.spawn([...command], { env, stdio: ['pipe', 'ignore', 'pipe'] });
      const decoder = new TextDecoder();
      let said = '';
      for await (const chunk of starter.stderr) {
        said += decoder.decode(chunk);
        if (said.includes('started')) break;
      }
      const [shell] = await pastasOf(starter.pid);
      const mine = await pastasOf(Number(shell));
      expect(mine).toHaveLength(1);
      starter.kill('SIGKILL');
      await waitFor(
        async () => mine.filter((pid) => existsSync(`/proc/${pid}`)),
        (left) => left.length === 0,
        { what: 'pasta ended', deadlineMs: 5000 },
      );
    }, 60_000);
  },
);

/**
 * The interfaces of this machine without those that engines make for a container or a network, which the suites beside this one add
 * and remove at any moment; the bridges that engines always have are among the others.
 */
function lastingInterfaces(): ReturnType<typeof networkInterfaces> {
  return Object.fromEntries(
    Object.entries(networkInterfaces()).filter(([name]) => !/^(?:veth|br-|podman[1-9])/.test(name)),
  );
}

async function pastasOf(parent: number): Promise<readonly string[]> {
  const connecting = await processesWith('--netns\0/proc/');
  return connecting.flatMap((line) => {
    const [pid = ''] = line.split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status) ? [pid] : [];
  });
}

/** A resolver that has the same answer to every question (RFC 1035). */
async function openResolver(host: string, address: readonly number[]) {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const asked = question.subarray(12, question.indexOf(0, 12) + 5);
    const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]);
    socket.send(Buffer.concat([head, asked, answer]), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject).bind(53, host, resolve);
  });
  return { [Symbol.asyncDispose]: async () => void socket.close() };
}
