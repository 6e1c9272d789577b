import { describe, expect, test } from 'bun:test';
import { during, ThvError, within } from './thv-error.ts';

const caught = (pending: Promise<unknown>) =>
  pending.then(
    () => undefined,
    (error: unknown) => error as ThvError,
  );

describe('an error that went through a step', async () => {
  const thrown = () => {
    throw new ThvError('ERR_TIMEOUT', { reason: 'late' }, { hint: 'wait', exitCode: 3 });
  };
  const error = await caught(
    within('failed to run', () => during('STEP_PACKAGE_IMAGE', () => within('failed to ask', thrown))),
  );

  test('has the words of all that were under way, the hint last', () => {
    expect(error?.message).toBe(
      'failed to run: invalid protocol scheme provided for MCP server\nfailed to ask: late. Hint: wait',
    );
  });

  test('is found inside the step without its words', () => {
    const inside = error?.inside('STEP_PACKAGE_IMAGE');
    expect(inside).toMatchObject({ code: 'ERR_TIMEOUT', hint: 'wait', exitCode: 3 });
    expect(inside?.sentence).toBe('failed to ask: late');
  });

  test('is not found inside another one', () => {
    expect(error?.inside('STEP_RUN_CONFIG')).toBeUndefined();
  });

  test('keeps its context when it is described in other words', () => {
    expect(error?.sentenceWith('no answer')).toBe(
      'failed to run: invalid protocol scheme provided for MCP server\nfailed to ask: no answer',
    );
  });
});

test('the words of a step that a caller repeats as plain text are not the step', async () => {
  const error = await caught(
    within('failed to validate run config', () =>
      Promise.reject(new ThvError('ERR_TIMEOUT', { reason: 'late' })),
    ),
  );
  expect(error?.inside('STEP_RUN_CONFIG')).toBeUndefined();
});
