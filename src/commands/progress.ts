import { stripVTControlCharacters } from 'node:util';
import { type Terminal, visible } from '../cli/index.ts';
import type { Progress } from '../workloads/index.ts';

/** Fits most terminals; a line that wraps could not be taken back. */
const LONGEST_STATE = 78;
const KEPT_LINES = 30;

/** Finished steps as lines on stdout; the step under way as one changing line on a terminal, gone when disposed. */
export function createProgress(terminal: Terminal): Progress & Disposable {
  let shown = false;
  let kept: string[] = [];
  const update = (text: string) => {
    if (!terminal.stderrIsTty || (text === '' && !shown)) return;
    const state = visible(stripVTControlCharacters(text).trim()).slice(0, LONGEST_STATE);
    terminal.err(`\r\u001b[K${state}`, 'own');
    shown = text !== '';
  };
  return {
    line(text) {
      update('');
      terminal.out(`${text}\n`);
    },
    update,
    output(text) {
      if (!terminal.stdoutIsTty || !terminal.stderrIsTty) {
        update('');
        terminal.out(`${text}\n`);
        return;
      }
      kept = [...kept, text].slice(-KEPT_LINES);
      update(text);
    },
    revealOutput() {
      update('');
      for (const line of kept) terminal.err(`${line}\n`);
      kept = [];
    },
    [Symbol.dispose]: () => update(''),
  };
}

/** What happened, for people; scripts see silence (spec 01 §12). */
export function confirm(terminal: Terminal, text: string): void {
  if (terminal.stderrIsTty) terminal.err(`${text}\n`);
}
