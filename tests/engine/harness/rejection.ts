import { ThvError } from '../../../src/errors/index.ts';

/** Code and whole message of the error that `action` must end with. */
export async function rejection(action: Promise<unknown>): Promise<readonly [string, string]> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ThvError) return [error.code, error.message];
  throw new Error(`expected an error of the program, got ${error}`);
}
