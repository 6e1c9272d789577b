import type { Command, Environment } from './command.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

interface Process {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

interface Facts {
  readonly root: Command;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly terminal: Terminal;
}

/** An error that reaches no command, in a callback or a promise that nobody awaits, ends the process as a failed command does. */
export function watchFaults(process: Process, { root, args, env, terminal }: Facts): void {
  const name = args.find((word) => Object.hasOwn(root.subCommands ?? {}, word));
  let isEnding = false;
  const fail = async (error: unknown) => {
    if (isEnding) return;
    isEnding = true;
    const debug = args.includes('--debug');
    const command = name === undefined ? 'thv' : `thv ${name}`;
    try {
      await reportError(error, { command, env, terminal, debug, interruptedCode: undefined });
    } finally {
      process.exit(1);
    }
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}
