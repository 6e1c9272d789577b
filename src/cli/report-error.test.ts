import { describe, expect, test } from 'bun:test';
import { ThvError, within } from '../errors/index.ts';
import { reportError } from './report-error.ts';
import type { Terminal } from './terminal.ts';

function report(thrown: unknown, interruptedCode: number | undefined) {
  let text = '';
  const none = {
    stdinIsTty: false,
    stdoutIsTty: false,
    stderrIsTty: false,
    columns: undefined,
    hasColours: false,
    out: () => true,
  };
  const terminal: Terminal = {
    ...none,
    err: (line) => {
      text += line;
      return true;
    },
  };
  return { exitCode: reportError(thrown, terminal, { debug: false, interruptedCode }), text };
}

const ABORTED = AbortSignal.abort().reason as unknown;
const aborted = within('failed to ask', () => Promise.reject(ABORTED)).catch((error: unknown) => error);

describe('a command that was interrupted', () => {
  test('says nothing of its own', async () => {
    expect(report(ABORTED, 130)).toEqual({ exitCode: 130, text: '' });
    expect(report(await aborted, 130)).toEqual({ exitCode: 130, text: '' });
  });

  test('still tells of a failure', () => {
    const failure = new ThvError('ERR_INTERNAL', { reason: 'broken' }, { cause: new Error('broken') });
    expect(report(failure, 130)).toEqual({
      exitCode: 130,
      text: 'Error: broken. Hint: this is a fault of thv itself; --debug shows where\n',
    });
  });
});

test('an abort that nobody asked for is a fault', async () => {
  expect(report(await aborted, undefined)).toMatchObject({ exitCode: 1 });
});
