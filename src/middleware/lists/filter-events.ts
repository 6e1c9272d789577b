import type { Logger } from '../../platform/index.ts';
import type { RequestContext } from '../../proxy/index.ts';
import { readFields, replaceData } from '../events/event-fields.ts';
import { createEventSplitter } from '../events/event-splitter.ts';
import { filterMessage, type MessageFilter } from './filter-message.ts';

interface FilterEventsOptions {
  readonly filter: MessageFilter;
  readonly context: RequestContext;
  /** Sees the data of each event first; `false` takes the event out of the stream. */
  readonly onData?: ((data: string) => boolean) | undefined;
  readonly log: Logger;
}

/** An event stream whose lists are filtered, read only as fast as it is read; other events pass byte for byte. */
export function filterEvents(
  source: ReadableStream<Uint8Array>,
  { filter, context, onData, log }: FilterEventsOptions,
): ReadableStream<Uint8Array> {
  const splitter = createEventSplitter();
  const reader = source.getReader();

  async function filterEvent(bytes: Uint8Array): Promise<Uint8Array> {
    // Comments and blank lines are most of what a quiet stream carries.
    if (bytes.byteLength < 8) return bytes;
    const event = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const { data } = readFields(event);
    if (data === undefined) return bytes;
    if (onData?.(data) === false) return NOTHING;
    const { text, isRefused } = await filterMessage(data, filter, context);
    if (text === data) return bytes;
    const replaced = replaceData(event, text.replace(/[\r\n]/g, ' '));
    const isBare = isRefused && filter.rule.refusal.isStrict;
    return Buffer.from(isBare ? replaced.replace(/^event:[^\r\n]*(?:\r\n|\n|\r)/m, '') : replaced);
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const { done, value } = await reader.read();
            const events = value === undefined ? [splitter.flush()] : splitter.push(value);
            const out: Uint8Array[] = [];
            for (const event of events) out.push(await filterEvent(event));
            const size = out.reduce((sum, { byteLength }) => sum + byteLength, 0);
            if (size > 0) controller.enqueue(out.length === 1 && out[0] ? out[0] : Buffer.concat(out));
            if (done) controller.close();
            if (done || size > 0) return;
          }
        } catch (error) {
          log.debug('event stream ended early', { error });
          await reader.cancel(error).catch(() => undefined); // it has failed already, or does now
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

const NOTHING = new Uint8Array();
