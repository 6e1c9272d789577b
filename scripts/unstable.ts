import { existsSync } from 'node:fs';
import { $ } from 'bun';

/** Tests that are known to need a second try now and then, one `file: test` a line; it may only lose lines. */
export const UNSTABLE_TESTS = 'tests/unstable.txt';

/** The tests named in the text of such a list. */
export function parseUnstable(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** What is wrong with a list, given the one it replaces: lines that are new, and lines of files that are gone. */
export function faultsOf(
  listed: readonly string[],
  before: readonly string[],
  exists: (file: string) => boolean,
): readonly string[] {
  return listed.flatMap((line) => {
    const file = line.slice(0, line.indexOf(': '));
    if (!exists(file)) return [`${line}: there is no such file; take the line out`];
    return before.includes(line) ? [] : [`${line}: the list may only shrink; mend the test instead`];
  });
}

if (import.meta.main) {
  const text = await Bun.file(UNSTABLE_TESTS).text();
  // The newest version that differs from this one. Without history, as in a shallow clone, there is nothing to compare with.
  const versions = await $`git log -n 2 --format=%H -- ${UNSTABLE_TESTS}`.nothrow().quiet().text();
  const committed = await Promise.all(
    versions
      .split('\n')
      .filter(Boolean)
      .map((commit) => $`git show ${commit}:${UNSTABLE_TESTS}`.nothrow().quiet().text()),
  );
  const before = committed.find((version) => version !== text) ?? text;
  const faults = faultsOf(parseUnstable(text), parseUnstable(before), existsSync);
  for (const fault of faults) process.stderr.write(`${UNSTABLE_TESTS}: ${fault}\n`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
