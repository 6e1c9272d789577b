import { type Terminal, visible } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

interface ChooseOptions {
  readonly signal: AbortSignal;
  /** At least one has to be ticked. */
  readonly required?: boolean;
}

/**
 * Lets a person at the terminal tick some of several: arrows or j and k, space, enter; q, escape and Ctrl-C give up, which
 * is `undefined`. Throws `ERR_INPUT_INVALID` without a terminal.
 */
export async function chooseSeveral(
  terminal: Pick<Terminal, 'stdinIsTty' | 'stdoutIsTty'>,
  message: string,
  choices: readonly Choice[],
  { signal, required = false }: ChooseOptions,
): Promise<readonly string[] | undefined> {
  requireTerminal(terminal);
  // Loaded here: no other command draws anything.
  const { isCancel, multiselect, updateSettings } = await import('@clack/prompts');
  updateSettings({ aliases: { q: 'cancel' } });
  const options = choices.map(({ value, label, hint }) => ({
    value,
    label: visible(label),
    ...(hint === undefined ? {} : { hint: visible(hint) }),
  }));
  const chosen = await multiselect({ message, options, required, signal });
  return isCancel(chosen) ? undefined : chosen;
}

/** A question at the terminal; giving up means no. `standard` is what enter alone means. */
export async function askYesNo(
  message: string,
  { signal, standard = false }: { readonly signal: AbortSignal; readonly standard?: boolean },
): Promise<boolean> {
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message: visible(message), initialValue: standard, signal });
  return !isCancel(answer) && answer;
}

function requireTerminal({ stdinIsTty, stdoutIsTty }: Pick<Terminal, 'stdinIsTty' | 'stdoutIsTty'>): void {
  if (stdinIsTty && stdoutIsTty) return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `error running interactive setup: ${stdinIsTty ? 'stdout' : 'stdin'} is not a terminal`,
  });
}
