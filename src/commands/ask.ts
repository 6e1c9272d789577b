import type { Invocation } from '../cli/index.ts';
import type { Ask } from '../workloads/index.ts';

/** Questions of a run at the terminal (spec 01 §4.9); `undefined` where nobody sits at one. */
export function createAsk({
  terminal,
  input,
  env,
  signal,
}: Pick<Invocation, 'terminal' | 'input' | 'env' | 'signal'>): Ask | undefined {
  if (!terminal.stdinIsTty || !terminal.stdoutIsTty || env['TOOLHIVE_DETACHED'] === '1') return undefined;
  return async ({ kind, name, description, secret, choices }) => {
    const about = description === '' ? '' : ` (${description})`;
    terminal.out(`Required ${secret ? 'secret ' : ''}${kind}: ${name}${about}\n`);
    if (choices.length > 0) terminal.out(`One of: ${choices.join(', ')}\n`);
    const ask = () =>
      void terminal.out(`Enter value for ${name}${secret ? ' (input will be hidden)' : ''}: `);
    if (!secret) {
      ask();
      return (await input.readLine({ signal }))?.trim();
    }
    const answer = await input.readHidden({ signal, ask });
    terminal.out('\n');
    return answer?.trim();
  };
}
