import type { AttachedStdio, AttachReceiver } from '../../../src/engine/index.ts';
import { until } from './until.ts';

/** What an attached stream has said so far. */
export interface Heard {
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: number;
  readonly ends: readonly (Error | undefined)[];
  readonly receiver: AttachReceiver;
  /** Waits until stdout has at least this many bytes. */
  bytes(count: number): Promise<void>;
  text(part: string): Promise<void>;
  end(): Promise<void>;
}

/** `keepText: false` for streams that are only counted. */
export function listen(options: { readonly keepText?: boolean; readonly onStdout?: () => void } = {}): Heard {
  let stdout = '';
  let stderr = '';
  let stdoutBytes = 0;
  const ends: (Error | undefined)[] = [];
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get stdoutBytes() {
      return stdoutBytes;
    },
    ends,
    receiver: {
      onStdout(bytes) {
        stdoutBytes += bytes.length;
        if (options.keepText !== false) stdout += Buffer.from(bytes).toString('latin1');
        options.onStdout?.();
      },
      onStderr(bytes) {
        stderr += Buffer.from(bytes).toString('latin1');
      },
      onEnd(error) {
        ends.push(error);
      },
    },
    async bytes(count) {
      await until(
        () => stdoutBytes,
        (seen) => seen >= count,
      );
    },
    async text(part) {
      await until(
        () => stdout,
        (seen) => seen.includes(part),
      );
    },
    async end() {
      await until(
        () => ends.length,
        (seen) => seen > 0,
      );
    },
  };
}

/** Writes as fast as the stream takes it. */
export async function writeAll(stdio: AttachedStdio, chunk: Uint8Array, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    if (!stdio.write(chunk)) await stdio.drained();
  }
}
