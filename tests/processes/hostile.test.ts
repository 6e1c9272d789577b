import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import { CASES, gone, openRunner, processesWith, type Runner } from './runner.ts';

const FIXTURE = join(import.meta.dir, 'fixtures', 'hostile');

type Define = (name: string, run: () => Promise<void>) => void;

const WITHOUT = { sandbox: 'none' as const, user: 'self' as const };

describe.each([...CASES, WITHOUT])(
  'a hostile package in $sandbox, started by user $user',
  ({ sandbox, user }) => {
    const isConfined = sandbox !== 'none';
    const skip = () => undefined;
    const whenConfined: Define = isConfined ? test : skip;
    const whenNot: Define = isConfined ? skip : test;
    let runner: Runner;
    let archive: string;
    let targets: Record<string, unknown>;
    const servers: (Server | HttpServer)[] = [];
    const marker = String(100_000 + Math.floor(Math.random() * 800_000));

    beforeAll(async () => {
      runner = await openRunner(user);
      const secret = join(runner.home, '.ssh', 'id_ed25519');
      await writeFile(secret, 'the secret key');
      for (const name of ['read', 'write']) await mkdir(join(runner.folder, name));
      await writeFile(join(runner.folder, 'read', 'file'), 'granted');
      await Bun.$`${runner.executable} pm pack --destination ${runner.folder} --quiet`
        .cwd(FIXTURE)
        .env({ ...process.env, BUN_BE_BUN: '1' })
        .quiet();
      archive = join(runner.folder, 'hostile-1.0.0.tgz');
      await Bun.$`chmod -R a+rwX ${runner.folder}/read ${runner.folder}/write ${archive}`.quiet();
      const listen = (server: Server | HttpServer, on: object) =>
        new Promise<number>((resolve) => {
          servers.push(server);
          server.listen(on, () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        });
      const http = createHttpServer((_, response) => response.end('from the granted host'));
      const socket = join(runner.home, 'engine.sock');
      const abstract = `thv-${marker}`;
      targets = {
        secret,
        home: runner.home,
        service: await listen(http, { host: '127.0.0.1', port: 0 }),
        other: await listen(createServer(), { host: '127.0.0.1', port: 0 }),
        address:
          Object.values(networkInterfaces())
            .flat()
            .find((each) => each?.internal === false && each.family === 'IPv4')?.address ?? '127.0.0.2',
        socket,
        abstract,
        pid: process.pid,
        marker,
      };
      await listen(createServer(), { path: socket });
      await chmod(socket, 0o777);
      await listen(createServer(), { path: `\0${abstract}` });
    });

    afterAll(async () => {
      for (const server of servers) server.close();
      await runner[Symbol.asyncDispose]();
    });

    const order = (profile: Record<string, unknown>, env: Record<string, string> = {}) => ({
      sandbox,
      package: { scheme: 'npx' as const, package: archive },
      env: { TARGETS: JSON.stringify(targets), ...(isConfined ? { CONFINED: '1' } : {}), ...env },
      mounts: ['read', 'write'].map((name) => ({
        source: join(runner.folder, name),
        target: `/granted/${name}`,
        readOnly: name === 'read',
      })),
      profile,
    });

    const files = {
      'read a secret of the home folder': 'stopped: ENOENT',
      'read it through a link': 'stopped: ENOENT',
      'read it through /proc': expect.stringMatching(/^stopped: E(?:NOENT|ACCES|PERM)$/),
      'list the home folder': 'stopped: ENOENT',
      'read /etc/shadow': 'stopped: ENOENT',
      'write to the home folder': 'stopped: ENOENT',
      'write to /usr': expect.stringMatching(/^stopped: E(?:ROFS|ACCES)$/),
      'write to /etc': expect.stringMatching(/^stopped: E(?:ROFS|ACCES)$/),
      'write to its own package': expect.stringMatching(/^stopped: E(?:ROFS|ACCES)$/),
      'write to a read grant': expect.stringMatching(/^stopped: E(?:ROFS|ACCES)$/),
      'read a read grant': 'granted',
      'write to a write grant': 'done',
      'write to its work folder': 'done',
      'write to the temporary folder': 'done',
    };
    const kernel = {
      'open a vsock': 'stopped: refused',
      'make a user namespace': 'stopped: refused',
      mount: 'stopped: refused',
      'trace another process': 'stopped: refused',
      'read the kernel log': 'stopped: refused',
      'gain privileges': 'no',
      'have capabilities': 'no',
      'signal a process of this machine': 'stopped: ESRCH',
      'see other processes': expect.stringMatching(/^[1-5]$/),
      'leave a daemon': 'left',
    };
    const unreachable = {
      'connect to a service of this machine': 'stopped: ECONNREFUSED',
      'connect to an address': expect.stringMatching(/^stopped: (?:ENETUNREACH|ECONNREFUSED|EHOSTUNREACH)$/),
      'connect to an abstract socket': expect.stringMatching(/^stopped: /),
      'connect to a socket of the home folder': expect.stringMatching(/^stopped: /),
      'see the engine socket': false,
    };

    whenConfined(
      'without a network it gets at nothing that was not granted, and leaves nothing behind',
      async () => {
        const ran = await runner.run(order({ network: { outbound: {} } }));
        expect(ran.stderr).toContain('ended 0');
        expect(JSON.parse(ran.stdout)).toEqual({ ...files, ...kernel, ...unreachable });
        expect(await readFile(join(runner.folder, 'write', 'mine'), 'utf8')).toBe('by the server');
        expect(existsSync(join(runner.folder, 'read', 'mine'))).toBe(false);
        expect(existsSync('/tmp/hostile-postinstall-ran')).toBe(false);
        await gone(`sleep\0${marker}`);
      },
    );

    whenConfined(
      'with granted hosts it gets to these, through the proxy, and what is denied is reported',
      async () => {
        const ran = await runner.run(
          order({ network: { outbound: { allow_host: ['localhost'], allow_port: [targets['service']] } } }),
        );
        expect(JSON.parse(ran.stdout)).toEqual({
          ...files,
          ...kernel,
          ...unreachable,
          'go to the granted host': 'HTTP/1.1 200 Connection Established',
          'go to another port of it': 'HTTP/1.1 403 Forbidden',
          'go to another host': 'HTTP/1.1 403 Forbidden',
          'go to the granted host by its address': 'HTTP/1.1 403 Forbidden',
          'fetch from the granted host': 'from the granted host',
        });
        const denied = ran.stderr.split('\n').filter((line) => line.startsWith('WARN denied connection'));
        expect(denied).toEqual([
          `WARN denied connection: not granted by the permission profile {"host":"localhost","port":${targets['other']}}`,
          'WARN denied connection: not granted by the permission profile {"host":"example.org","port":443}',
          `WARN denied connection: not granted by the permission profile {"host":"127.0.0.1","port":${targets['service']}}`,
        ]);
        await gone(`sleep\0${marker}`);
      },
    );

    whenConfined('with the network of this machine it is still kept from its files and sockets', async () => {
      const ran = await runner.run(order({ network: { mode: 'host' } }));
      expect(JSON.parse(ran.stdout)).toEqual({
        ...files,
        ...kernel,
        ...unreachable,
        'connect to a service of this machine': 'connected',
        'connect to an address': expect.any(String),
      });
    });

    whenConfined('with all of an isolated network it does not get to this machine', async () => {
      const ran = await runner.run({
        ...order({ network: { outbound: { insecure_allow_all: true } } }),
        isolateNetwork: true,
      });
      expect(JSON.parse(ran.stdout)).toMatchObject({
        ...unreachable,
        'go to the granted host': 'HTTP/1.1 403 Forbidden',
        'go to the granted host by its address': 'HTTP/1.1 403 Forbidden',
      });
      expect(ran.stderr).toContain('leads to this machine or a private network');
    });

    // What shows that the tries above are worth something.
    whenNot('without a sandbox it gets at all of it, and still leaves nothing behind', async () => {
      const ran = await runner.run(order({ network: { outbound: {} } }));
      expect(JSON.parse(ran.stdout)).toMatchObject({
        'read a secret of the home folder': 'the secret key',
        'read it through a link': 'the secret key',
        'write to the home folder': 'done',
        'connect to a service of this machine': 'connected',
        'connect to an abstract socket': 'connected',
        'connect to a socket of the home folder': 'connected',
        'make a user namespace': 'done',
        'trace another process': 'done',
        'open a vsock': 'done',
        'gain privileges': 'yes',
        'signal a process of this machine': 'done',
        'leave a daemon': 'left',
      });
      await gone(`sleep\0${marker}`);
    });

    test('stopped, or its parent killed, it is gone with all it started', async () => {
      for (const name of ['SIGTERM', 'SIGKILL'] as const) {
        const { command, env } = runner.commandFor(order({ network: {} }, { STAY: '1' }));
        const child = Bun.spawn([...command], { env, stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' });
        await waitFor(
          () => processesWith(`sleep\0${marker}`),
          (found) => found.length >= 2,
          { what: 'it has left its daemons' },
        );
        child.kill(name);
        await child.exited;
        await gone(`sleep\0${marker}`);
        await gone('attack.js');
      }
    });
  },
);
