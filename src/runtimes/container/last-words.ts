import type { Engine } from '../../engine/index.ts';
import type { Transport } from '../../records/index.ts';

const LINES = 50;
const MAX_CHARACTERS = 8000;
const TIMEOUT_MS = 3000;

/**
 * The last lines a container printed before it ended (spec 03 §9.5), for the workload's log. A stdio server
 * gives only its stderr: its stdout is the protocol, with whatever tools returned. '' when the lines cannot be read.
 */
export async function lastWords(engine: Engine, container: string, transport: Transport): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    for await (const { stream, bytes } of engine.containers.logs(container, { tail: LINES, signal })) {
      if (transport !== 'stdio' || stream === 'stderr') text += decoder.decode(bytes, { stream: true });
    }
  } catch {
    // the container is gone, or the engine: its last words are lost
  }
  return text.trimEnd().slice(-MAX_CHARACTERS);
}
