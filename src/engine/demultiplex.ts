import type { OutputChunk } from './types.ts';

/**
 * The framing of attach and log streams of containers without a terminal (Engine API 1.41 `/containers/{id}/attach`,
 * spec 03 §7): byte 0 names the stream, bytes 1–3 are zero, bytes 4–7 are the payload's length, big-endian.
 */
const HEADER_BYTES = 8;
const ENGINE_ERROR_MAX_BYTES = 64 * 1024;

export interface Demultiplexer {
  /**
   * Hands every payload byte of `bytes` on. Nothing is copied or held back: a payload that is split over chunks is handed on
   * in as many pieces, each a view of `bytes`. Returns what is wrong when the stream cannot be read any further.
   */
  push(bytes: Uint8Array): string | undefined;
  /** What is wrong when the stream ends here; `undefined` between two frames. */
  end(): string | undefined;
}

type Target = OutputChunk['stream'] | 'engine-error';

/** Stream 0 (echoed stdin) counts as stdout, 3 is an error of the engine itself (spec 03 §7.4). */
const TARGETS: readonly Target[] = ['stdout', 'stdout', 'stderr', 'engine-error'];

export function createDemultiplexer(
  onOutput: (stream: OutputChunk['stream'], bytes: Uint8Array) => void,
): Demultiplexer {
  const header = new Uint8Array(HEADER_BYTES);
  let headerBytes = 0;
  let target: Target = 'stdout';
  let remaining = 0;
  let engineError = Buffer.alloc(0);
  let problem: string | undefined;

  /** Reads a whole header; returns what is wrong with it. */
  function begin(bytes: Uint8Array, at: number): string | undefined {
    const next = TARGETS[bytes[at] ?? TARGETS.length];
    if (next === undefined || bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) {
      return `the stream is not framed as expected (header ${Buffer.from(bytes.subarray(at, at + HEADER_BYTES)).toString('hex')})`;
    }
    target = next;
    remaining = uint32(bytes, at + 4);
    return undefined;
  }

  function collectEngineError(piece: Uint8Array): string | undefined {
    engineError = Buffer.concat([engineError, piece]);
    if (remaining > 0 && engineError.length < ENGINE_ERROR_MAX_BYTES) return undefined;
    return `the engine reported: ${engineError.toString().trim()}`;
  }

  function consume(bytes: Uint8Array): string | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (remaining === 0) {
        if (headerBytes === 0 && bytes.length - at >= HEADER_BYTES) {
          const wrong = begin(bytes, at);
          if (wrong !== undefined) return wrong;
          at += HEADER_BYTES;
        } else {
          const taken = Math.min(HEADER_BYTES - headerBytes, bytes.length - at);
          header.set(bytes.subarray(at, at + taken), headerBytes);
          headerBytes += taken;
          at += taken;
          if (headerBytes < HEADER_BYTES) return undefined;
          headerBytes = 0;
          const wrong = begin(header, 0);
          if (wrong !== undefined) return wrong;
        }
        continue;
      }
      const piece = bytes.subarray(at, Math.min(at + remaining, bytes.length));
      at += piece.length;
      remaining -= piece.length;
      if (target !== 'engine-error') onOutput(target, piece);
      else {
        const reported = collectEngineError(piece);
        if (reported !== undefined) return reported;
      }
    }
    return undefined;
  }

  return {
    push(bytes) {
      problem ??= consume(bytes);
      return problem;
    },
    end() {
      if (problem !== undefined) return problem;
      if (headerBytes === 0 && remaining === 0) return undefined;
      return 'the stream ended in the middle of a frame';
    },
  };
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 +
    ((bytes[at + 1] ?? 0) << 16) +
    ((bytes[at + 2] ?? 0) << 8) +
    (bytes[at + 3] ?? 0)
  );
}
