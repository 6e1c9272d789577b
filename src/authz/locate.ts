/** A place in a file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the text at `path` stands in the file, and in it the character at `offset`; `undefined` when it is not there. */
type Locate = (path: readonly (string | number)[], offset: number | undefined) => Position | undefined;

/** Finds places in a JSON or YAML text; JSON is YAML as far as this goes. */
export async function createLocator(text: string): Promise<Locate> {
  const { isScalar, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return (path, offset) => {
    const node = document.getIn(path, true);
    if (!isScalar(node) || node.range == null) return undefined;
    const [start, end] = node.range;
    const inside =
      offset === undefined ? undefined : positionInside(text.slice(start, end), String(node.value), offset);
    const { line, col } = lines.linePos(start + (inside ?? 0));
    return { line, column: col };
  };
}

/** How far into the source of a scalar the character of its value is; `undefined` where the two cannot be set side by side. */
function positionInside(source: string, value: string, offset: number): number | undefined {
  if (source.startsWith('"')) return inQuoted(source, offset);
  if (source.startsWith('|')) return inBlock(source, value, offset);
  const start = source.startsWith("'") ? 1 : 0;
  return source.slice(start, start + value.length) === value ? start + offset : undefined;
}

/** On one line with the escapes of JSON. */
function inQuoted(source: string, offset: number): number | undefined {
  if (source.includes('\n')) return undefined;
  let at = 1;
  for (let done = 0; done < offset && at < source.length; done += 1) {
    if (source[at] !== '\\') at += 1;
    else at += source[at + 1] === 'u' ? 6 : 2;
  }
  return at;
}

/** Each line of the value is a line of the source, behind its indentation. */
function inBlock(source: string, value: string, offset: number): number | undefined {
  const before = value.slice(0, offset).split('\n');
  const sourceLines = source.split('\n');
  const own = sourceLines[before.length];
  const valueLine = value.split('\n')[before.length - 1];
  if (own === undefined || valueLine === undefined || !own.endsWith(valueLine)) return undefined;
  const start = sourceLines.slice(0, before.length).reduce((sum, line) => sum + line.length + 1, 0);
  return start + own.length - valueLine.length + (before.at(-1)?.length ?? 0);
}
