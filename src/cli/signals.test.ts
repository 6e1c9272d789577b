import { expect, test } from 'bun:test';
import { watchSignals } from './signals.ts';

function watch() {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const interruption = watchSignals({
    on: (name, listener) => listeners.set(name, listener),
    exit: (code) => exits.push(code),
  });
  return { interruption, exits, raise: (name: string) => listeners.get(name)?.() };
}

test.each([
  ['SIGINT', 130],
  ['SIGQUIT', 131],
  ['SIGTERM', 143],
])('%s cancels, and the exit code tells', (name, code) => {
  const { interruption, exits, raise } = watch();
  expect(interruption.exitCode()).toBeUndefined();
  expect(interruption.signal.aborted).toBe(false);
  raise(name);
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.exitCode()).toBe(code);
  expect(exits).toEqual([]);
});

test('a second SIGINT ends the process at once, a second SIGTERM does not', () => {
  const { interruption, exits, raise } = watch();
  raise('SIGTERM');
  raise('SIGTERM');
  expect(exits).toEqual([]);
  raise('SIGINT');
  expect(exits).toEqual([130]);
  expect(interruption.exitCode()).toBe(143);
});
