import { expect, test } from 'bun:test';
import { createTerminalReport } from './terminal-log.ts';

/** What is written for one line, without the padding to the terminal's width. */
function written(...entry: Parameters<ReturnType<typeof createTerminalReport>>): string {
  let text = '';
  const report = createTerminalReport({
    stdinIsTty: true,
    stdoutIsTty: true,
    stderrIsTty: true,
    columns: 80,
    hasColours: false,
    out: () => true,
    err: (line) => {
      text += line;
      return true;
    },
  });
  report(...entry);
  return text.replaceAll(/ +\n/g, '\n');
}

test.each([
  [{ level: 'INFO', message: 'pulling image', fields: { image: 'a/b:1' } }, 'ℹ pulling image image=a/b:1\n'],
  [
    { level: 'WARN', message: 'try again', fields: { reason: 'a "b" c', ms: 3, none: undefined } },
    '\n WARN  try again reason="a \\"b\\" c" ms=3\n\n',
  ],
  [{ level: 'DEBUG', message: 'looked', fields: {} }, '⚙ looked\n'],
] as const)('%j', (entry, expected) => {
  expect(written(entry)).toBe(expected);
});
