import { expect, test } from 'bun:test';
import { type CarriedError, carry, revive } from './carried.ts';
import { isShortage, ThvError } from './thv-error.ts';

function cross(error: unknown): ThvError | undefined {
  return revive(JSON.parse(JSON.stringify(carry(error))));
}

test.each([
  ['facts', new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: 'a' as never })],
  ['a hint', new ThvError('ERR_INPUT_INVALID', { reason: 'no' }, { hint: 'yes' })],
  ['an exit code', new ThvError('ERR_INPUT_INVALID', { reason: 'no' }, { exitCode: 130 })],
  [
    'words and steps of callers',
    new ThvError('ERR_TIMEOUT', { reason: 'late' }).within({ step: 'STEP_RUN_CONFIG' }).within('failed'),
  ],
])('an error with %s arrives as it was', (_, error) => {
  const arrived = cross(error);
  const { code, facts, message, sentence, hint, context, exitCode, status, blame } = error;
  expect(arrived).toMatchObject({ code, facts, message, sentence, hint, context, exitCode, status, blame });
  expect(arrived?.inside('STEP_RUN_CONFIG')?.message).toBe(error.inside('STEP_RUN_CONFIG')?.message);
});

test('what the operating system said is known at the other end', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' });
  const arrived = cross(full);
  expect([arrived?.code, arrived?.message, isShortage(arrived)]).toEqual([
    'ERR_SYSTEM',
    'no space left',
    true,
  ]);
  expect(isShortage(cross(new ThvError('ERR_INPUT_INVALID', { reason: 'no' })))).toBe(false);
});

test('a foreign error is a fault of ours at both ends', () => {
  expect(cross(new TypeError('x is not a function'))).toMatchObject({
    code: 'ERR_INTERNAL',
    message: 'x is not a function',
    blame: 'ours',
  });
});

const CARRIED = carry(new ThvError('ERR_INPUT_INVALID', { reason: 'no' }));
test.each<[string, Partial<CarriedError>]>([
  ['an unknown code', { code: 'ERR_TOMORROW' }],
  ['a code that every object has', { code: 'toString' }],
  ['an unknown step', { context: [{ step: 'STEP_TOMORROW' }] }],
  ['a sentence that is worded otherwise here', { message: 'no, never' }],
  ['facts that are missing', { code: 'ERR_VARIABLES_MISSING', facts: {}, message: 'x' }],
])('%s is not guessed', (_, change) => {
  expect(revive({ ...CARRIED, ...change })).toBeUndefined();
});
