import { readSync } from 'node:fs';
import { ThvError } from '../errors/index.ts';

const LENGTH_DIGITS = 10;

/**
 * Tells a child of this program what to do, ahead of the input of the server it is going to be or start: its length in ten
 * digits, then the text. Neither arguments nor the environment, which others may see and which the child would act upon.
 */
export async function writeOrder(stdin: Bun.FileSink, order: unknown): Promise<void> {
  const text = Buffer.from(JSON.stringify(order));
  stdin.write(String(text.byteLength).padStart(LENGTH_DIGITS, '0'));
  stdin.write(text);
  await stdin.flush();
}

/** The order, and not a byte more of the input. Throws `ERR_SANDBOX_FAILED` when its sender is gone. */
export function readOrder<Order>(): Order {
  const length = Number(readExactly(LENGTH_DIGITS).toString());
  return JSON.parse(readExactly(length).toString());
}

function readExactly(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(0, bytes, at, length - at, null);
    if (count === 0)
      throw new ThvError('ERR_SANDBOX_FAILED', { reason: 'the program that wanted the process is gone' });
    at += count;
  }
  return bytes;
}
