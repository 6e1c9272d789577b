import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepSecret, ThvError, within } from '../errors/index.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

/** What is printed and logged of an error, in a state folder of its own; `<log>` stands for the path of the log. */
async function report(
  thrown: unknown,
  { interruptedCode, debug = false }: { readonly interruptedCode?: number; readonly debug?: boolean } = {},
) {
  const state = mkdtempSync(join(tmpdir(), 'thv-report-'));
  using _ = { [Symbol.dispose]: () => rmSync(state, { recursive: true }) };
  const path = join(state, 'toolhive', 'thv.log');
  let text = '';
  const exitCode = await reportError(thrown, {
    command: 'thv list',
    env: { XDG_STATE_HOME: state },
    terminal: {
      err(line: string) {
        text += line;
        return true;
      },
    } as unknown as Terminal,
    debug,
    interruptedCode,
  });
  const log = await Bun.file(path)
    .text()
    .catch(() => '');
  return { exitCode, text: text.replaceAll(path, '<log>'), log };
}

const ABORTED = AbortSignal.abort().reason as unknown;
const aborted = within('failed to ask', () => Promise.reject(ABORTED)).catch((error: unknown) => error);

describe('a command that was interrupted', () => {
  test('says nothing of its own', async () => {
    const silent = { exitCode: 130, text: '', log: '' };
    expect(await report(ABORTED, { interruptedCode: 130 })).toEqual(silent);
    expect(await report(await aborted, { interruptedCode: 130 })).toEqual(silent);
  });

  test('still tells of a failure', async () => {
    const failure = new ThvError('ERR_INTERNAL', { reason: 'broken' }, { cause: new Error('broken') });
    expect(await report(failure, { interruptedCode: 130 })).toMatchObject({
      exitCode: 130,
      text: 'Error: broken. Hint: this is a fault of thv itself; <log> shows where\n',
    });
  });
});

test('an abort that nobody asked for is a fault', async () => {
  expect(await report(await aborted)).toMatchObject({ exitCode: 1 });
});

describe('a fault of the program', () => {
  test('is logged with code, causes and stack, without secrets', async () => {
    keepSecret('hunter2-report');
    const cause = new TypeError('cannot read hunter2-report');
    const fault = await within('failed to ask', () => Promise.reject(cause)).catch((error: unknown) => error);
    const { text, log } = await report(fault);
    expect(text).toBe(
      'Error: failed to ask: cannot read [secret]. Hint: this is a fault of thv itself; <log> shows where\n',
    );
    const { level, msg, command, error, code, causes, stack } = JSON.parse(log);
    expect({ level, msg, command, error, code, causes }).toEqual({
      level: 'ERROR',
      msg: 'fault of thv',
      command: 'thv list',
      error: 'failed to ask: cannot read [secret]',
      code: 'ERR_INTERNAL',
      causes: ['TypeError: cannot read [secret]'],
    });
    expect(stack).toContain('caused by TypeError: cannot read [secret]');
    expect(log).not.toContain('hunter2');
  });

  test.each([
    ['what the user has to mend', new ThvError('ERR_USAGE', { reason: 'no' }), 'Error: no\n'],
    ['what the world refuses', new ThvError('ERR_TIMEOUT', { reason: 'late' }), 'Error: late\n'],
  ])('is not %s', async (_, error, text) => {
    expect(await report(error)).toEqual({ exitCode: 1, text, log: '' });
  });
});

test.each([
  ['the user', new ThvError('ERR_REGISTRY_AUTH_REQUIRED', {}), false],
  ['the world', new ThvError('ERR_TIMEOUT', { reason: 'late' }), true],
  ['the program', new Error('x'), true],
])('--debug shows a stack where the blame is with %s: %3$p', async (_, error, hasStack) => {
  const { text } = await report(error, { debug: true });
  expect(/^ {4}at /m.test(text)).toBe(hasStack);
});
