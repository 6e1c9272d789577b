import { elementsOf, type Message, readMessage } from '../json-rpc/index.ts';

/**
 * The messages on one line of stdout: one as a rule, several where a server sends a batch, none on a line of noise. A
 * line that is a message passes untouched. Others get one second chance (spec 04 §4.4 as corrected by §19.6): escape
 * sequences and what is not printable are removed around and between the tokens; other text around the braces makes it
 * a log line.
 */
export function readLine(line: string): readonly Message[] {
  const message = readMessage(line);
  if (message !== undefined) return [message];
  const json = findJson(line);
  if (json === undefined) return [];
  const found = readJson(json.text);
  const isFinal = found.length > 0 || line.length > MAX_REPAIR_CHARS;
  const messages = isFinal ? found : readJson(withoutJunk(json.text));
  return json.isPrompted ? messages.filter(({ kind }) => kind === 'response') : messages;
}

/** Repair inside a message is for stray bytes of a confused terminal, not for large payloads. */
const MAX_REPAIR_CHARS = 1024 * 1024;

/** Longest text in front of a message or behind it that is looked at. */
const MAX_MARGIN_CHARS = 4096;

/** Colours, cursor movements, titles: CSI and OSC sequences, and the short ones (ECMA-48 §5). */
const ESCAPE_SEQUENCE =
  /(?:\u001b\[|\u009b)[\u0030-\u003f]*[\u0020-\u002f]*[\u0040-\u007e]|(?:\u001b[\]PX^_]|\u009d)[^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[\u0020-\u002f]*[\u0030-\u007e]/g;

/** Anything but white space, control, format and unassigned characters, and what stands for undecodable bytes. */
const PRINTABLE = /[^\s\p{C}\ufffd]/u;

/** What an interactive program prints when it waits for input. */
const PROMPT = /^[>$%#:?❯»]{1,4}$/u;

interface FoundJson {
  readonly text: string;
  /** A prompt stands in front. Only an answer is believed there: people log requests behind arrows. */
  readonly isPrompted: boolean;
}

/** Where an object or array may stand between what a terminal would not show; `undefined` for a line with other text. */
function findJson(line: string): FoundJson | undefined {
  const start = findStart(line);
  const end = Math.max(line.lastIndexOf('}'), line.lastIndexOf(']')) + 1;
  if (start === undefined || end <= start.at || line.length - end > MAX_MARGIN_CHARS) return undefined;
  const isTail = !PRINTABLE.test(line.slice(end).replace(ESCAPE_SEQUENCE, ''));
  if (isTail) return { text: line.slice(start.at, end), isPrompted: start.isPrompted };
  // The tail of an escape sequence may hold a bracket of its own.
  const brace = line.lastIndexOf('}') + 1;
  const isAll = brace > start.at && !PRINTABLE.test(line.slice(brace).replace(ESCAPE_SEQUENCE, ''));
  return isAll ? { text: line.slice(start.at, brace), isPrompted: start.isPrompted } : undefined;
}

function findStart(line: string): { readonly at: number; readonly isPrompted: boolean } | undefined {
  const head = line
    .slice(0, MAX_MARGIN_CHARS)
    .replace(ESCAPE_SEQUENCE, (sequence) => BLANK.repeat(sequence.length));
  const at = head.search(/[{[]/);
  if (at === -1) return undefined;
  // What stands before a carriage return was overwritten on the terminal it was meant for.
  const before = head.slice(head.lastIndexOf('\r', at) + 1, at);
  const shown = before.replace(/[\s\p{C}\ufffd]/gu, '');
  if (shown === '') return { at, isPrompted: false };
  return PROMPT.test(shown) ? { at, isPrompted: true } : undefined;
}

/** Keeps positions where they are, and is not printable. */
const BLANK = '\u0000';

function readJson(text: string): readonly Message[] {
  const texts = text.startsWith('[') ? elementsOf(text) : [text];
  return texts.flatMap((each) => readMessage(each) ?? []);
}

/** Control characters may stand nowhere; U+FFFD and invisible ones stay where they are text: inside strings. */
function withoutJunk(body: string): string {
  return body
    .replace(ESCAPE_SEQUENCE, '')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '')
    .replace(/("(?:[^"\\]|\\.)*")|[^\S \t\r\n]|[\p{C}\ufffd]/gsu, (match, string: string | undefined) =>
      string === undefined ? (/[\t\r\n]/.test(match) ? match : '') : match,
    );
}
