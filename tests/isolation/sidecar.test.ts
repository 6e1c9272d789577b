import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { runInside } from '../harness/run-inside.ts';
import { type IsolationGround, openGround } from './harness/ground.ts';

setDefaultTimeout(120_000);

const SERVER = (port: number, text: string) =>
  `require('node:http').createServer((q, r) => r.end('${text}')).listen(${port}, '0.0.0.0')`;
const ECHO = `require('node:net').createServer((s) => s.write('hello from the database\\r\\n')).listen(5432, '0.0.0.0')`;
const IDLE = 'setInterval(() => {}, 1e6)';

onEachEngine((under) => {
  let ground: IsolationGround;
  let target = '';
  let targetAddress = '';
  let workload = '';
  let ownNetwork = '';
  let place = '';
  let neighbour = '';
  let neighbourAddress = '';
  let neighbourPlace = '';

  beforeAll(async () => {
    ground = await openGround(under);
    target = ground.name();
    targetAddress = await ground.run(target, `${SERVER(8080, 'outside')}; ${ECHO}`);
    workload = ground.name();
    ownNetwork = await ground.network();
    place = await ground.admit(workload, ownNetwork, {
      allow_host: [target],
      allow_port: [8080],
      allow_tcp: [`${target}:5432`],
    });
    await ground.run(workload, SERVER(9000, 'the workload'), ownNetwork);
    neighbour = ground.name();
    const network = await ground.network();
    neighbourPlace = await ground.admit(neighbour, network, { insecure_allow_all: true });
    neighbourAddress = await ground.run(neighbour, SERVER(9000, 'the neighbour'), network);
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  test('what the profile lists is reached: over HTTP, CONNECT, by name, and over plain TCP', async () => {
    const results = await ground.probe(workload, {
      http: { kind: 'get', proxy: place, url: `http://${target}:8080/` },
      connect: { kind: 'connect', proxy: place, to: `${target}:8080` },
      proxyByName: { kind: 'name', server: place, name: `${workload}-egress` },
      routeByName: { kind: 'name', server: place, name: target },
      routeOverTcp: { kind: 'nameOverTcp', server: place, name: target },
      route: { kind: 'talk', host: place, port: 5432, send: 'x' },
    });
    expect(results).toEqual({
      http: '200',
      connect: '200',
      proxyByName: place,
      routeByName: place,
      routeOverTcp: 'status 0, 1 addresses',
      route: 'hello from the database',
    });
  });

  test('everything else is refused', async () => {
    const proxy = place;
    const results = await ground.probe(workload, {
      anotherHost: { kind: 'connect', proxy, to: 'example.com:8080' },
      anotherPort: { kind: 'connect', proxy, to: `${target}:80` },
      theRouteByProxyOnAnotherPort: { kind: 'connect', proxy, to: `${target}:5433` },
      addressOfTheHost: { kind: 'connect', proxy, to: `${targetAddress}:8080` },
      publicAddress: { kind: 'connect', proxy, to: '93.184.216.34:8080' },
      ipv6: { kind: 'connect', proxy, to: '[2606:2800:220:1::1]:8080' },
      metadata: { kind: 'get', proxy, url: 'http://169.254.169.254/latest/' },
      gateway: { kind: 'connect', proxy, to: 'host.docker.internal:8080' },
      loopbackOfTheSidecar: { kind: 'connect', proxy, to: '127.0.0.1:3129' },
      controlByProxy: { kind: 'connect', proxy, to: `${place}:3129` },
      control: { kind: 'talk', host: place, port: 3129 },
      anotherRoute: { kind: 'talk', host: place, port: 5433 },
      direct: { kind: 'talk', host: targetAddress, port: 8080 },
      neighbourDirect: { kind: 'talk', host: neighbourAddress, port: 9000 },
      neighboursSidecar: { kind: 'talk', host: neighbourPlace, port: 3128 },
      neighboursNames: { kind: 'datagram', host: neighbourPlace, port: 53 },
      dataInAName: { kind: 'name', server: place, name: 'c2VjcmV0.evil.test' },
      dataBeforeAName: { kind: 'name', server: place, name: `c2VjcmV0.${target}` },
      dataOverTcp: { kind: 'nameOverTcp', server: place, name: 'c2VjcmV0.evil.test' },
      anotherResolver: { kind: 'datagram', host: '8.8.8.8', port: 53 },
      notADatagramForNames: { kind: 'datagram', host: place, port: 3128 },
    });
    expect(results).toEqual({
      anotherHost: '403',
      anotherPort: '403',
      theRouteByProxyOnAnotherPort: '403',
      addressOfTheHost: '403',
      publicAddress: '403',
      ipv6: '403',
      metadata: '403',
      gateway: '403',
      loopbackOfTheSidecar: '403',
      controlByProxy: '403',
      control: 'no way',
      anotherRoute: 'no way',
      direct: 'no way',
      neighbourDirect: 'no way',
      neighboursSidecar: 'no way',
      neighboursNames: 'no way',
      dataInAName: 'ENOTFOUND',
      dataBeforeAName: 'ENOTFOUND',
      dataOverTcp: 'status 3, 0 addresses',
      anotherResolver: 'no way',
      notADatagramForNames: 'no way',
    });
  });

  test('a profile that allows everything opens neither the machine nor another workload', async () => {
    const proxy = neighbourPlace;
    const results = await ground.probe(neighbour, {
      outside: { kind: 'connect', proxy, to: `${target}:8080` },
      outsideByAddress: { kind: 'connect', proxy, to: `${targetAddress}:8080` },
      workload: { kind: 'connect', proxy, to: `${place}:3128` },
      workloadByName: { kind: 'connect', proxy, to: `${workload}:9000` },
      itself: { kind: 'connect', proxy, to: `${neighbourAddress}:9000` },
      metadata: { kind: 'get', proxy, url: 'http://169.254.169.254/' },
      loopback: { kind: 'connect', proxy, to: 'localhost:3129' },
      gateway: { kind: 'connect', proxy, to: 'host.docker.internal:22' },
    });
    expect(results).toEqual({
      outside: '200',
      outsideByAddress: '200',
      workload: '403',
      // Podman's name service does not know the names of another network's containers.
      workloadByName: expect.stringMatching(/403|502/),
      itself: '403',
      metadata: '403',
      loopback: '403',
      gateway: '403',
    });
  });

  test('refusals say what would allow them, and are followed as they are made', async () => {
    await ground.probe(workload, { one: { kind: 'connect', proxy: place, to: 'followed.test:8080' } });
    const leave = new AbortController();
    for await (const decision of ground.sidecar.decisions(workload, leave.signal)) {
      if (decision.host !== 'followed.test') continue;
      expect(decision).toMatchObject({
        port: 8080,
        protocol: 'connect',
        verdict: 'refused',
        rule: 'not granted by the permission profile',
        remedy: 'outbound.allow_host: ["followed.test"]',
      });
      break;
    }
    leave.abort();
  });

  test('the way in leads to the workload, and only with the token', async () => {
    const ask = async (handle = ground.sidecar) => {
      const socket = await handle.connect(workload, 9000);
      socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      let text = '';
      for await (const bytes of socket) text += bytes;
      return text.split('\r\n\r\n')[1];
    };
    expect(await ask()).toContain('the workload');
    // Another process, which admitted nothing itself.
    expect(await ask(ground.another())).toContain('the workload');
    const { port, head } = await ground.sidecar.tunnel(workload, 9000);
    const without = await fetch(`http://127.0.0.1:${port}/workloads`);
    const wrong = await fetch(`http://127.0.0.1:${port}/workloads`, {
      headers: { authorization: 'Bearer wrong' },
    });
    expect([without.status, wrong.status]).toEqual([401, 401]);
    const token = /Bearer (\S+)/.exec(head)?.[1] ?? '';
    const [sidecar] = await ground.sidecars();
    expect(JSON.stringify(await under.inspect(sidecar?.name ?? ''))).not.toContain(token);
  });

  test('other rules replace the rules, and a release closes everything', async () => {
    const network = await ground.network();
    const name = ground.name();
    const proxy = await ground.admit(name, network, { allow_host: ['a.test'] });
    await ground.run(name, IDLE, network);
    const probe = () =>
      ground.probe(name, {
        a: { kind: 'connect', proxy, to: 'a.test:1' },
        b: { kind: 'connect', proxy, to: 'b.test:1' },
      });
    // What is granted fails later: there is no such host.
    expect(await probe()).toEqual({ a: '502', b: '403' });
    expect(await ground.admit(name, network, { allow_host: ['b.test'] })).toBe(proxy);
    expect(await probe()).toEqual({ a: '403', b: '502' });
    await ground.sidecar.release(name);
    expect(await probe()).toEqual({ a: 'no way', b: 'no way' });
  });

  test('killed, it comes back with its rules at the same addresses', async () => {
    const [sidecar] = await ground.sidecars();
    await under.kill(sidecar?.name ?? '');
    const started = performance.now();
    const attempts = {
      granted: { kind: 'connect', proxy: place, to: `${target}:8080` },
      refused: { kind: 'connect', proxy: place, to: 'example.com:8080' },
    };
    let results = await ground.probe(workload, attempts);
    while (results.granted !== '200') {
      // Until it is back nothing passes.
      expect(results.refused).not.toBe('200');
      if (performance.now() - started > 60_000) throw new Error(`not back: ${JSON.stringify(results)}`);
      results = await ground.probe(workload, attempts);
    }
    expect(results).toEqual({ granted: '200', refused: '403' });
  });

  // Last, because Podman 4.3 takes half a minute to start a container again in which a program was run.
  test('it has no rights, and is no workload', async () => {
    const [sidecar] = await ground.sidecars();
    const details = await under.inspect(sidecar?.name ?? '');
    const { HostConfig, Config } = details ?? { HostConfig: undefined, Config: undefined };
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Privileged: false, Memory: 256 * 1024 ** 2 });
    expect(HostConfig?.SecurityOpt).toContain('no-new-privileges');
    expect(Config?.Labels).toMatchObject({ toolhive: 'true', 'toolhive-auxiliary-workload': 'true' });
    const command = [
      '/thv',
      '-e',
      `const s = require('node:fs').readFileSync('/proc/1/status', 'utf8');
      const forward = require('node:fs').readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
      process.stdout.write(JSON.stringify([s.match(/CapEff:\\s*(\\S+)/)[1], s.match(/NoNewPrivs:\\s*(\\S+)/)[1], s.match(/Uid:\\s*(\\d+)/)[1], forward]))`,
    ];
    expect(await runInside(under, sidecar?.name ?? '', command)).toEqual([
      '0000000000000000',
      '1',
      '65532',
      '0',
    ]);
  });
});
