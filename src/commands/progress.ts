import type { Terminal } from '../cli/index.ts';
import type { Progress } from '../workloads/index.ts';

/** Finished steps as lines on stdout; the step under way as one changing line on a terminal, gone when disposed. */
export function createProgress(terminal: Terminal): Progress & Disposable {
  let shown = false;
  const update = (text: string) => {
    if (!terminal.stderrIsTty || (text === '' && !shown)) return;
    terminal.err(`\r\u001b[K${text}`);
    shown = text !== '';
  };
  return {
    line(text) {
      update('');
      terminal.out(`${text}\n`);
    },
    update,
    [Symbol.dispose]: () => update(''),
  };
}

/** What happened, for people; scripts see silence (spec 01 §12). */
export function confirm(terminal: Terminal, text: string): void {
  if (terminal.stderrIsTty) terminal.err(`${text}\n`);
}
