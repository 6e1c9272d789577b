import type { Logger } from '../../platform/index.ts';
import type { CallerStreams } from '../events/caller-streams.ts';
import { readFields, replaceData } from '../events/event-fields.ts';
import { createEventSplitter } from '../events/event-splitter.ts';
import { filterToolLists } from './filter-list.ts';
import type { ToolRules } from './tool-rules.ts';

interface FilterEventsOptions {
  readonly rules: ToolRules;
  /** Learns of the stream when its `endpoint` event passes. */
  readonly callerStreams: CallerStreams;
  readonly log: Logger;
}

/** Messages of ours that wait for a client that does not read. */
const MAX_WAITING = 1024;

/** An event stream whose lists of tools are filtered, read only as fast as it is read; other events pass byte for byte. */
export function filterEvents(
  source: ReadableStream<Uint8Array>,
  { rules, callerStreams, log }: FilterEventsOptions,
): ReadableStream<Uint8Array> {
  const splitter = createEventSplitter();
  const reader = source.getReader();
  let forget: (() => void) | undefined;

  function introduce(endpoint: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
    forget?.();
    forget = callerStreams.add(endpoint, {
      send(message) {
        if ((controller.desiredSize ?? -MAX_WAITING) <= -MAX_WAITING) return false;
        controller.enqueue(Buffer.from(`event: message\ndata: ${message}\n\n`));
        return true;
      },
    });
  }

  function filterEvent(
    bytes: Uint8Array,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Uint8Array {
    // Comments and blank lines are most of what a quiet stream carries.
    if (bytes.byteLength < 8) return bytes;
    const event = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const { type, data } = readFields(event);
    if (data === undefined) return bytes;
    if (type === 'endpoint') introduce(data, controller);
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
            const out = events.map((event) => filterEvent(event, controller));
            const size = out.reduce((sum, { byteLength }) => sum + byteLength, 0);
            if (size > 0) controller.enqueue(out.length === 1 && out[0] ? out[0] : Buffer.concat(out));
            if (done) controller.close();
            if (done || size > 0) {
              if (done) forget?.();
              return;
            }
          }
        } catch (error) {
          forget?.();
          log.debug('event stream ended early', { error });
          await reader.cancel(error).catch(() => undefined); // it has failed already, or does now
          controller.error(error);
        }
      },
      cancel(reason) {
        forget?.();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
