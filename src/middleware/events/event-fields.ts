/** One Server-Sent Event, read as a client reads it (HTML standard §9.2.6). */
export interface EventFields {
  /** `message` where the event does not say. */
  readonly type: string;
  /** All data lines, joined by LF; `undefined` when there is none: such an event is never dispatched. */
  readonly data: string | undefined;
  readonly id: string | undefined;
  readonly retryMs: number | undefined;
}

export function readFields(event: string): EventFields {
  let type = '';
  let id: string | undefined;
  let retryMs: number | undefined;
  const data: string[] = [];
  for (const line of event.split(/\r\n|\n|\r/)) {
    const { name, value } = readLine(line);
    if (name === 'data') data.push(value);
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { type: type || 'message', data: data.length === 0 ? undefined : data.join('\n'), id, retryMs };
}

/** The event with other data, on the line where its first data line stood; all its other lines stay as they are. */
export function replaceData(event: string, data: string): string {
  let isFirst = true;
  return event.replace(/([^\r\n]*)(\r\n|\n|\r|$)/g, (whole, line: string, lineEnd: string) => {
    if (readLine(line).name !== 'data') return whole;
    if (!isFirst) return '';
    isFirst = false;
    return `${/^\uFEFF?data: ?/.exec(line)?.[0] ?? 'data: '}${data}${lineEnd}`;
  });
}

function readLine(line: string): { readonly name: string; readonly value: string } {
  const text = line.startsWith('\uFEFF') ? line.slice(1) : line;
  const colon = text.indexOf(':');
  if (colon === -1) return { name: text, value: '' };
  return { name: text.slice(0, colon), value: text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1) };
}
