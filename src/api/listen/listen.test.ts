import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from './listen.ts';

/** Longer than an HTTP server of the runtime waits by itself. */
const SILENCE_MS = 13_500;

test('a request over a UNIX socket is answered however long that takes, without a body too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thv-listen-'));
  const path = join(folder, 'api.sock');
  const listener = await listen({ kind: 'socket', path }, async () => {
    await Bun.sleep(SILENCE_MS);
    return new Response('done');
  });
  try {
    const answer = await fetch('http://api/stop', { unix: path, method: 'POST' });
    expect(await answer.text()).toBe('done');
  } finally {
    await listener.stop(0);
    rmSync(folder, { recursive: true });
  }
}, 20_000);
