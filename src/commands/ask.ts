import type { Invocation } from '../cli/index.ts';
import type { Ask } from '../workloads/index.ts';
import { plainText } from './registry-render.ts';

/** Questions of a run at the terminal (spec 01 §4.9); `undefined` where nobody sits at one. */
export function createAsk({
  terminal,
  input,
  env,
  signal,
}: Pick<Invocation, 'terminal' | 'input' | 'env' | 'signal'>): Ask | undefined {
  if (!terminal.stdinIsTty || !terminal.stdoutIsTty || env['TOOLHIVE_DETACHED'] === '1') return undefined;
  return async ({ kind, name, description, secret, choices }) => {
    const say = (text: string) => void terminal.out(plainText(text));
    const sayLine = (text: string) => void terminal.out(`${plainText(text)}\n`);
    sayLine(
      `Required ${secret ? 'secret ' : ''}${kind}: ${name}${description === '' ? '' : ` (${description})`}`,
    );
    if (choices.length > 0) sayLine(`One of: ${choices.join(', ')}`);
    const ask = () => say(`Enter value for ${name}${secret ? ' (input will be hidden)' : ''}: `);
    if (!secret) {
      ask();
      return (await input.readLine({ signal }))?.trim();
    }
    const answer = await input.readHidden({ signal, ask });
    terminal.out('\n');
    return answer?.trim();
  };
}
