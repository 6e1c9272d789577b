import type { AnswerWatch } from './broken-answer.ts';

/**
 * The same stream, which tells once when it is over, read to its end or not. One that breaks ends with the last words of
 * `watch` if there are any.
 */
export function tellEnd(
  body: ReadableStream<Uint8Array>,
  onEnd: () => void,
  watch?: AnswerWatch,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            watch?.see(value);
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          onEnd();
          const last = watch?.lastWords();
          if (last === undefined) throw error;
          controller.enqueue(last);
          controller.close();
          return;
        }
        onEnd();
        controller.close();
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
