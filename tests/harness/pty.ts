import { waitFor } from './wait-for.ts';

/** A program on a terminal of its own, with somebody typing. */
export interface Pty {
  /** Everything that appeared on the screen, typed text included where it is shown. */
  readonly screen: string;
  /** Waits until `text` has appeared, behind what was waited for before. */
  appeared(text: string): Promise<void>;
  type(keys: string): void;
  /** Resolves with the exit code. */
  finished(): Promise<number>;
}

/** Needs a Unix. Ended by force after 30 s. */
export function startOnTerminal(
  command: readonly string[],
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): Pty {
  const decoder = new TextDecoder();
  let screen = '';
  let seenUpTo = 0;
  const child = Bun.spawn([...command], {
    env: Object.fromEntries(Object.entries(options.env).filter(([, value]) => value !== undefined)),
    cwd: options.cwd,
    terminal: {
      cols: 200,
      data(_, bytes) {
        screen += decoder.decode(bytes, { stream: true }).replaceAll('\r\n', '\n');
      },
    },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  return {
    get screen() {
      return screen;
    },
    async appeared(text) {
      await waitFor(
        () => screen.slice(seenUpTo),
        (rest) => rest.includes(text),
        { what: `${JSON.stringify(text)} is on the screen` },
      );
      seenUpTo = screen.indexOf(text, seenUpTo) + text.length;
    },
    type: (keys) => void child.terminal?.write(keys),
    async finished() {
      const code = await child.exited;
      clearTimeout(timer);
      child.terminal?.close();
      return code;
    },
  };
}
