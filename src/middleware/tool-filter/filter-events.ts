import type { Logger } from '../../platform/index.ts';
import { readFields, replaceData } from '../events/event-fields.ts';
import { createEventSplitter } from '../events/event-splitter.ts';
import { filterToolLists } from './filter-list.ts';
import type { ToolRules } from './tool-rules.ts';

interface FilterEventsOptions {
  readonly rules: ToolRules;
  readonly log: Logger;
}

/** An event stream whose lists of tools are filtered, read only as fast as it is read; other events pass byte for byte. */
export function filterEvents(
  source: ReadableStream<Uint8Array>,
  { rules, log }: FilterEventsOptions,
): ReadableStream<Uint8Array> {
  const splitter = createEventSplitter();
  const reader = source.getReader();

  function filterEvent(bytes: Uint8Array): Uint8Array {
    // Comments and blank lines are most of what a quiet stream carries.
    if (bytes.byteLength < 8) return bytes;
    const event = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const { data } = readFields(event);
    if (data === undefined) return bytes;
    const filtered = filterToolLists(data, rules);
    if (filtered === data) return bytes;
    return Buffer.from(replaceData(event, filtered.replace(/[\r\n]/g, ' ')));
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const { done, value } = await reader.read();
            const events = value === undefined ? [splitter.flush()] : splitter.push(value);
            const out = events.map(filterEvent);
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
