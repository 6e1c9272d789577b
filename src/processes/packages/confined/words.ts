const HEAD_BYTES = 1024 * 1024;
const TAIL_CHARACTERS = 16_384;
const LAST_LINES = 12;

/** What a tool says, however much that is: the beginning, which is its result, and the last lines, which are for an error. */
export async function collectWords(
  stream: ReadableStream<Uint8Array>,
): Promise<{ readonly head: string; readonly tail: string }> {
  const decoder = new TextDecoder();
  let head = '';
  let tail = '';
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    if (head.length < HEAD_BYTES) head += text;
    tail = (tail + text).slice(-TAIL_CHARACTERS);
  }
  return { head, tail: plain(tail).trim().split('\n').slice(-LAST_LINES).join('\n') };
}

/** Without what a terminal would act upon, and without logins in URLs. */
function plain(text: string): string {
  return text
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
    .replace(/(\w:\/\/)[^/\s@]*@/g, '$1');
}
