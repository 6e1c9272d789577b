import { expect, test } from 'bun:test';
import type { Terminal } from '../cli/index.ts';
import { createProgress } from './progress.ts';

function terminalOf(isTty: boolean) {
  const shown = { out: '', err: '' };
  const writer = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    shown[stream] += text;
    return true;
  };
  const terminal: Terminal = {
    stdinIsTty: isTty,
    stdoutIsTty: isTty,
    columns: undefined,
    hasColours: false,
    stderrIsTty: isTty,
    out: writer('out'),
    err: writer('err'),
  };
  return { terminal, shown };
}

test('the state of a step is one line of a terminal, however long it is', () => {
  const { terminal, shown } = terminalOf(true);
  {
    using progress = createProgress(terminal);
    progress.update(`Pulling ${'x'.repeat(200)}: 10%`);
    progress.update('\u001b[91mred\r\n');
    progress.line('done');
  }
  expect(shown).toEqual({ err: `\r\u001b[KPulling ${'x'.repeat(70)}\r\u001b[Kred\r\u001b[K`, out: 'done\n' });
});

test('without a terminal there are only lines', () => {
  const { terminal, shown } = terminalOf(false);
  {
    using progress = createProgress(terminal);
    progress.update('Pulling');
    progress.output('Step 1');
    progress.line('done');
  }
  expect(shown).toEqual({ err: '', out: 'Step 1\ndone\n' });
});
