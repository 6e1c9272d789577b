import type { Terminal } from '../cli/index.ts';
import type { Progress } from '../workloads/index.ts';

/** Lines of a build that are kept on a terminal, in case it fails. */
const KEPT_LINES = 40;

/** Finished steps as lines on stdout; the step under way as one changing line on a terminal, gone when disposed. */
export function createProgress(terminal: Terminal): Progress & Disposable {
  let shown = false;
  let kept: string[] = [];
  const update = (text: string) => {
    if (!terminal.stderrIsTty || (text === '' && !shown)) return;
    terminal.err(`\r\u001b[K${text}`);
    shown = text !== '';
  };
  const line = (text: string) => {
    update('');
    terminal.out(`${text}\n`);
  };
  return {
    line,
    update,
    output(text) {
      if (!terminal.stderrIsTty) return line(text);
      kept = [...kept.slice(1 - KEPT_LINES), text];
      update(text.slice(0, 100));
    },
    revealOutput() {
      update('');
      for (const text of kept) terminal.err(`${text}\n`);
      kept = [];
    },
    [Symbol.dispose]: () => update(''),
  };
}

/** What happened, for people; scripts see silence (spec 01 §12). */
export function confirm(terminal: Terminal, text: string): void {
  if (terminal.stderrIsTty) terminal.err(`${text}\n`);
}
