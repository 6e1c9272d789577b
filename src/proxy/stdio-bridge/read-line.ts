import { type Message, readMessage } from '../json-rpc/index.ts';

/**
 * The message on one line of stdout, or `undefined` for noise. A line that is a message passes untouched. Others get
 * one second chance (spec 04 §4.4 as corrected by §19.6): what is not printable is removed around and between the
 * tokens; printable text around the braces makes it a log line.
 */
export function readLine(line: string): Message | undefined {
  const message = readMessage(line);
  if (message !== undefined || line.length > MAX_REPAIR_CHARS) return message;
  const start = line.indexOf('{');
  const end = line.lastIndexOf('}') + 1;
  if (start === -1 || end <= start) return undefined;
  if (PRINTABLE.test(line.slice(0, start)) || PRINTABLE.test(line.slice(end))) return undefined;
  const body = line.slice(start, end);
  return readMessage(body) ?? readMessage(withoutJunk(body));
}

/** Repair is for stray bytes of a confused terminal, not for large payloads. */
const MAX_REPAIR_CHARS = 1024 * 1024;

/** Anything but white space, control, format and unassigned characters, and what stands for undecodable bytes. */
const PRINTABLE = /[^\s\p{C}\ufffd]/u;

/** Control characters may stand nowhere; U+FFFD and invisible ones stay where they are text: inside strings. */
function withoutJunk(body: string): string {
  return body
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
    .replace(/("(?:[^"\\]|\\.)*")|[^\S \t\r\n]|[\p{C}\ufffd]/gsu, (match, string: string | undefined) =>
      string === undefined ? (/[\t\r\n]/.test(match) ? match : '') : match,
    );
}
