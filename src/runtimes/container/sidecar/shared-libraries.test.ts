import { expect, test } from 'bun:test';
import { sharedLibrariesOf } from './shared-libraries.ts';

test.skipIf(process.platform !== 'linux')(
  'the runtime needs a loader and a C library, each once',
  async () => {
    const files = await sharedLibrariesOf(process.execPath);
    const paths = files.map(({ path }) => path);
    expect(paths.some((path) => /ld-(?:linux|musl)/.test(path))).toBe(true);
    expect(paths.some((path) => /^lib\/libc[.-]/.test(path))).toBe(true);
    expect(new Set(paths).size).toBe(paths.length);
    for (const { source } of files) expect(await Bun.file(source).exists()).toBe(true);
  },
);

test('what is no program is refused with its path', async () => {
  await expect(sharedLibrariesOf(import.meta.path, '')).rejects.toThrow(
    `${import.meta.path} is no program for 64-bit Linux`,
  );
});
