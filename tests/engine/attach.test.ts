import { describe, expect, test } from 'bun:test';
import { hasCode } from '../../src/errors/index.ts';
import { listen, writeAll } from './harness/attached.ts';
import { describeEngines, type TestEngine } from './harness/engines.ts';
import { rejection } from './harness/rejection.ts';
import { until } from './harness/until.ts';

const MEBIBYTE = 1 << 20;

describeEngines('attach', (under) => {
  test('what is written comes back, line by line, with nothing before the stream is in hand', async () => {
    const name = await under.start('/bin/sh', '-c', 'echo early; exec cat');
    const heard = listen();
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    expect(heard.stdout).not.toContain('hello');
    expect(stdio.write('hello\n')).toBe(true);
    await heard.text('hello\n');
    stdio.write(Buffer.from('žluť 🌿\n'));
    await heard.text(Buffer.from('žluť 🌿\n').toString('latin1'));
    await stdio.drained();
  });

  test('stdout and stderr are told apart', async () => {
    const name = await under.start(
      '/bin/sh',
      '-c',
      'while read line; do echo "out $line"; echo "err $line" >&2; done',
    );
    const heard = listen();
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    stdio.write('1\n');
    await until(
      () => [heard.stdout, heard.stderr],
      ([stdout, stderr]) => stdout === 'out 1\n' && stderr === 'err 1\n',
    );
  });

  test('every byte passes, those that other programs take for detach keys included', async () => {
    const name = await under.start('/bin/cat');
    const heard = listen();
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
    stdio.write(all);
    stdio.write(Uint8Array.of(0x10, 0x11, 0x10, 0x11, 0x0a));
    await heard.bytes(517);
    expect(heard.stdout).toBe(`${Buffer.from(all).toString('latin1')}\x10\x11\x10\x11\n`);
    expect(heard.ends).toEqual([]);
  });

  test('10 MiB there and back', async () => {
    const name = await under.start('/bin/cat');
    const heard = listen({ keepText: false });
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    await writeAll(stdio, new Uint8Array(MEBIBYTE).fill(0x61), 10);
    await heard.bytes(10 * MEBIBYTE);
    expect(heard.stdoutBytes).toBe(10 * MEBIBYTE);
  });

  test('thousands of small messages arrive whole and in order', async () => {
    const name = await under.start('/bin/cat');
    const heard = listen();
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    const lines = Array.from({ length: 5000 }, (_, id) => `${JSON.stringify({ jsonrpc: '2.0', id })}\n`);
    for (const line of lines) if (!stdio.write(line)) await stdio.drained();
    const whole = lines.join('');
    await heard.bytes(whole.length);
    expect(heard.stdout).toBe(whole);
  });

  test('a process that does not read holds the writer back', async () => {
    const name = await under.start(
      '/bin/sh',
      '-c',
      'read line; head -c 3145728 >/dev/null; echo done; exec sleep 1000',
    );
    const heard = listen();
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    const chunk = new Uint8Array(MEBIBYTE).fill(0x61);
    const isTaken = stdio.write(chunk) && stdio.write(chunk) && stdio.write(chunk);
    expect(isTaken).toBe(false);
    const drained = stdio.drained().then(() => true);
    expect(await Promise.race([drained, Bun.sleep(300).then(() => false)])).toBe(false);
    stdio.write('\n');
    stdio.write(chunk);
    stdio.write(chunk);
    stdio.write(chunk);
    await heard.text('done\n');
  });

  test('pause holds the container back at the engine, resume loses nothing', async () => {
    const name = await under.start('/bin/sh', '-c', 'read line; exec yes 0123456789abcde');
    let pauseNow = () => {};
    const heard = listen({ keepText: false, onStdout: () => pauseNow() });
    await using stdio = await under.engine.containers.attach(name, heard.receiver);
    pauseNow = () => stdio.pause();
    stdio.write('go\n');
    await heard.bytes(1);
    const atPause = heard.stdoutBytes;
    await Bun.sleep(500);
    expect(heard.stdoutBytes).toBe(atPause);
    pauseNow = () => {};
    stdio.resume();
    await heard.bytes(atPause + 5 * MEBIBYTE);
  });

  test('paused or not, all that came before the end is heard before the end', async () => {
    const name = await under.start('/bin/sh', '-c', 'read line; head -c 1000000 /dev/zero; exit 0');
    const heard = listen({ keepText: false });
    const stdio = await under.engine.containers.attach(name, heard.receiver);
    stdio.pause();
    stdio.write('go\n');
    await Bun.sleep(300);
    expect([heard.stdoutBytes, heard.ends.length]).toEqual([0, 0]);
    stdio.resume();
    await heard.end();
    expect([heard.stdoutBytes, heard.ends]).toEqual([1_000_000, [undefined]]);
  });

  test('the end of the container ends the stream once; then nothing can be written', async () => {
    const name = await under.start('/bin/sh', '-c', 'read line; echo bye');
    const heard = listen();
    const stdio = await under.engine.containers.attach(name, heard.receiver);
    stdio.write('go\n');
    await heard.end();
    expect([heard.stdout, heard.ends]).toEqual(['bye\n', [undefined]]);
    const ended = [
      'ERR_ATTACH_FAILED',
      `failed to attach to container: failed to attach to workload: the stream has ended (container: ${name})`,
    ] as const;
    expect(await rejection(Promise.resolve().then(() => stdio.write('more\n')))).toEqual(ended);
    expect(await rejection(stdio.drained())).toEqual(ended);
    stdio.pause();
    stdio.resume();
    stdio.close();
    stdio.close();
    expect(heard.ends).toHaveLength(1);
  });

  test('close detaches without a word, and the container runs on', async () => {
    const name = await under.start('/bin/sleep', '1000');
    const heard = listen();
    const stdio = await under.engine.containers.attach(name, heard.receiver);
    stdio.close();
    await Bun.sleep(100);
    expect(heard.ends).toEqual([]);
    expect((await under.engine.containers.find(name))?.State.Running).toBe(true);
  });

  test('after close: Docker leaves the process its stdin, Podman 4.3 ends it', async () => {
    const name = await under.start('/bin/cat');
    const stdio = await under.engine.containers.attach(name, listen().receiver);
    stdio.close();
    if (under.name === 'podman') {
      expect(await under.engine.containers.wait(name)).toEqual({ exitCode: 0 });
      return;
    }
    const again = listen();
    await using second = await under.engine.containers.attach(name, again.receiver);
    second.write('back\n');
    await again.text('back\n');
  });

  test('who waits for drained is told of the end', async () => {
    const name = await under.start('/bin/sleep', '1000');
    const heard = listen();
    const stdio = await under.engine.containers.attach(name, heard.receiver);
    stdio.write(new Uint8Array(4 * MEBIBYTE));
    const drained = rejection(stdio.drained());
    await under.engine.containers.kill(name);
    expect((await drained)[0]).toBe('ERR_ATTACH_FAILED');
  });

  describe('a container that does not run', () => {
    test.each(['created', 'ended'] as const)('%s', async (state) => {
      const name = await under.create('/bin/true');
      if (state === 'ended') {
        await under.engine.containers.start(name);
        await under.engine.containers.wait(name);
      }
      const attach = under.engine.containers.attach(name, listen().receiver);
      expect(await rejection(attach)).toEqual([
        'ERR_CONTAINER_NOT_RUNNING',
        `container not running: workload is not running (container: ${name})`,
      ]);
    });

    test('ending at the moment of attaching: an end or an error, never silence', async () => {
      // At once, because Podman 4.3 sometimes takes 20 s to answer a kill that met an attach.
      await Promise.all(Array.from({ length: 4 }, () => attachWhileEnding(under)));
    });
  });

  test('a signal ends the opening, not the stream', async () => {
    const name = await under.start('/bin/cat');
    const { containers } = under.engine;
    const aborted = containers.attach(name, listen().receiver, { signal: AbortSignal.abort() });
    expect((await rejection(aborted))[0]).toBe('ERR_CANCELLED');
    const controller = new AbortController();
    const heard = listen();
    await using stdio = await containers.attach(name, heard.receiver, { signal: controller.signal });
    controller.abort();
    stdio.write('on\n');
    await heard.text('on\n');
  });
});

async function attachWhileEnding(under: TestEngine): Promise<void> {
  const name = await under.start('/bin/sleep', '1000');
  const heard = listen();
  const [attached] = await Promise.allSettled([
    under.engine.containers.attach(name, heard.receiver),
    under.engine.containers.kill(name),
  ]);
  if (attached.status === 'fulfilled') await heard.end();
  else expect(hasCode(attached.reason, 'ERR_CONTAINER_NOT_RUNNING')).toBe(true);
}
