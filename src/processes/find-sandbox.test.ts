import { expect, test } from 'bun:test';
import { silentLogger } from '../platform/index.ts';
import { findSandbox } from './find-sandbox.ts';

test.each([
  [
    'a sandbox that does not exist is not one that is missing here',
    'linux',
    'TOOLHIVE_SANDBOX names jail; there are bubblewrap and namespaces. Hint: unset it to use the one that works here',
  ],
  [
    'a machine without a sandbox is told what else there is',
    'win32',
    'no way to confine a process was found on this machine. Hint: Windows has no sandbox that a program can set up without an administrator: run it in a container, or use --no-sandbox to run it with all of your rights',
  ],
] as const)('%s', async (_, platform, message) => {
  const found = findSandbox({
    env: { TOOLHIVE_SANDBOX: 'jail' },
    self: [process.execPath],
    cacheFolder: '/nowhere',
    platform,
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  await expect(found).rejects.toThrow(message);
});
