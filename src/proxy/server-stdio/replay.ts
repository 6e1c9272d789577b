import type { EventStream, Weight } from './event-stream.ts';
import { primingFrame } from './frame.ts';

/**
 * What a session was told lately, so that a client that comes back with `Last-Event-ID` hears what it missed (MCP
 * 2025-03-26 "Resumability"). Bounded in bytes: the oldest is forgotten first, and larger frames are never kept.
 */
export interface Replay {
  /** `request`: id, as JSON text, of the one request that this stream is about. */
  open(request?: string): Channel;
  /** The stream that the event belongs to, as long as anything is known of it. */
  find(eventId: string): { readonly channel: Channel; readonly after: number } | undefined;
  /** Forgets what ended some minutes ago: every answer that took its time would be kept otherwise. */
  sweep(): void;
}

/** One stream as its client sees it: it may be read over several connections, one after the other. */
export interface Channel {
  readonly stream: EventStream | undefined;
  /** Nothing more will come. */
  readonly ended: boolean;
  /** Called when the connection is lost, and when there is a new one; set by the sender on this channel. */
  onLost: (() => void) | undefined;
  onBack: (() => void) | undefined;
  /** An event that says nothing but gives its client an id to come back with, before anything was said. */
  prime(): void;
  /** `false`: not on its way to the client now; it may hear of it when it comes back. */
  send(frame: Uint8Array, weight: Weight): boolean;
  /** The last frame. */
  finish(frame?: Uint8Array): void;
  /** Continues on `stream`, in place of the one before, after the event with that number. */
  attach(stream: EventStream, after?: number): void;
  /** Call when `stream` has closed. */
  detach(stream: EventStream): void;
}

interface Entry {
  readonly number: number;
  readonly channel: number;
  readonly head: Uint8Array;
  readonly frame: Uint8Array;
}

/** How long a client may take to come back for the rest of a stream that has ended. */
const KEEP_ENDED_MS = 5 * 60_000;
/** An id longer than this is not repeated in every event. */
const MAX_REQUEST_CHARS = 256;

/** The request whose stream the event belonged to, as JSON text, even where nothing else is known of it any more. */
export function requestOf(eventId: string): string | undefined {
  const encoded = eventId.split('.')[3];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString();
}

/** `maxBytes` 0: nothing is kept, and events carry no ids. */
export function createReplay(maxBytes: number, now = monotonicMs): Replay {
  // Ids of an earlier life of our process must not be mistaken for ours: sessions outlive it.
  const prefix = crypto.randomUUID().slice(0, 8);
  const channels = new Map<number, Channel>();
  const endedAt = new Map<number, number>();
  let entries: Entry[] = [];
  let bytes = 0;
  let events = 0;
  let opened = 0;

  function record(entry: Entry): void {
    const size = sizeOf(entry);
    if (size > maxBytes) return;
    entries.push(entry);
    bytes += size;
    let forgotten = 0;
    while (bytes > maxBytes) {
      const oldest = entries[forgotten];
      if (oldest === undefined) break;
      bytes -= sizeOf(oldest);
      forgotten += 1;
    }
    if (forgotten === 0) return;
    entries = entries.slice(forgotten);
    forgetChannels();
  }

  /** Channels that ended are known for as long as one of their events is. */
  function forgetChannels(): void {
    const kept = new Set(entries.map(({ channel }) => channel));
    for (const [number, channel] of channels) if (channel.ended && !kept.has(number)) drop(number);
  }

  function drop(channel: number): void {
    channels.delete(channel);
    endedAt.delete(channel);
  }

  function forget(isOver: (channel: number) => boolean): void {
    entries = entries.filter(({ channel }) => !isOver(channel));
    bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  }

  function open(request = ''): Channel {
    opened += 1;
    const mine = opened;
    const isNamed = request !== '' && request.length <= MAX_REQUEST_CHARS;
    const tail = isNamed ? `.${Buffer.from(request).toString('base64url')}` : '';
    let stream: EventStream | undefined;
    let ended = false;

    function nextId(): string {
      events += 1;
      return `${prefix}.${mine}.${events}${tail}`;
    }

    function send(frame: Uint8Array, weight: Weight, isLast = false): boolean {
      if (maxBytes === 0) return stream?.send(frame, weight) ?? false;
      // Somebody waits for the reply to such a message: it is not left for later.
      if (stream === undefined && weight === 'must' && !isLast) return false;
      const head = Buffer.from(`id: ${nextId()}\n`);
      record({ number: events, channel: mine, head, frame });
      return stream?.send(frame, weight, head) ?? false;
    }

    const channel: Channel = {
      get stream() {
        return stream;
      },
      get ended() {
        return ended;
      },
      onLost: undefined,
      onBack: undefined,
      prime() {
        if (maxBytes > 0) stream?.send(primingFrame(nextId()), 'may');
      },
      send,
      finish(frame) {
        if (ended) return;
        ended = true;
        endedAt.set(mine, now());
        if (frame !== undefined) {
          send(frame, 'must', true);
          // Too large to be kept. Without its last word a stream is not worth coming back to.
          if (entries.at(-1)?.number !== events) forget((number) => number === mine);
        }
        // What is remembered of the stream must not keep its speaker alive.
        channel.onLost = undefined;
        channel.onBack = undefined;
        if (!entries.some((entry) => entry.channel === mine)) drop(mine);
        stream?.end();
      },
      attach(next, after) {
        const before = stream;
        stream = next;
        before?.end();
        channel.onBack?.();
        if (after !== undefined) {
          for (const entry of entries) {
            if (entry.channel === mine && entry.number > after) next.send(entry.frame, 'must', entry.head);
          }
        }
        if (ended) next.end();
      },
      detach(closed) {
        if (stream !== closed) return;
        stream = undefined;
        channel.onLost?.();
      },
    };
    channels.set(mine, channel);
    return channel;
  }

  return {
    open,
    sweep() {
      const isOver = (number: number) => now() - (endedAt.get(number) ?? Infinity) > KEEP_ENDED_MS;
      const over = [...endedAt.keys()].filter(isOver);
      if (over.length === 0) return;
      forget(isOver);
      for (const number of over) drop(number);
    },
    find(eventId) {
      const [ours, channelNumber, after] = eventId.split('.');
      const channel = ours === prefix ? channels.get(Number(channelNumber)) : undefined;
      return channel === undefined || !/^\d+$/.test(after ?? '')
        ? undefined
        : { channel, after: Number(after) };
    },
  };
}

function sizeOf({ head, frame }: Entry): number {
  return head.byteLength + frame.byteLength;
}

function monotonicMs(): number {
  return performance.now();
}
