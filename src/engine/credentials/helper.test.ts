import { expect, test } from 'bun:test';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askCredentialHelper } from './helper.ts';

test.each([
  ['waits in a program of its own', 'sleep 20'],
  ['ignores a polite end', "trap '' TERM; while :; do sleep 1; done"],
  ['leaves something behind that holds its output', 'sleep 20 & exit 0'],
])('a helper that %s is given up at its time', async (_what, script) => {
  const folder = await mkdtemp(join(tmpdir(), 'thv-helper-'));
  try {
    const path = join(folder, 'docker-credential-slow');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o700);
    const began = performance.now();
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    expect(await askCredentialHelper('slow', 'quay.io', { env, timeoutMs: 200 })).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(5000);
  } finally {
    await rm(folder, { recursive: true });
  }
});
