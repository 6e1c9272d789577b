import { expect, test } from 'bun:test';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCommand, createGroup, lazily } from './command.ts';
import type { Terminal } from './terminal.ts';
import { watchFaults } from './watch-faults.ts';

const noop = createCommand({ usage: '', long: '', flags: {}, positionals: 'none', async run() {} });

test.each(['uncaughtException', 'unhandledRejection'] as const)(
  'an error that reaches no command (%s) is told, logged and ends the process, once',
  async (event) => {
    const state = mkdtempSync(join(tmpdir(), 'thv-faults-'));
    using _ = { [Symbol.dispose]: () => rmSync(state, { recursive: true }) };
    let text = '';
    const { promise: ended, resolve: exit } = Promise.withResolvers<number>();
    const process = Object.assign(new EventEmitter(), { exit });
    watchFaults(process, {
      root: createGroup('', { host: lazily({ description: '' }, async () => noop) }),
      args: ['host', '--secret', 'value-of-a-flag'],
      env: { XDG_STATE_HOME: state },
      terminal: {
        err(line: string) {
          text += line;
          return true;
        },
      } as unknown as Terminal,
    });
    process.emit(event, new TypeError('x is not a function'));
    process.emit(event, new TypeError('y is not a function'));
    expect(await ended).toBe(1);
    const log = join(state, 'toolhive', 'thv.log');
    expect(text).toBe(
      `Error: x is not a function. Hint: this is a fault of thv itself; ${log} shows where\n`,
    );
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const { command, code, causes, stack } = JSON.parse(lines[0] ?? '');
    expect({ command, code, causes }).toEqual({ command: 'thv host', code: 'ERR_INTERNAL', causes: [] });
    expect(stack).toContain(import.meta.file);
    expect(lines[0]).not.toContain('value-of-a-flag');
  },
);
