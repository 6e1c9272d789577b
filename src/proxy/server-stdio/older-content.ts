import { createScan, type Edit, findMember, type Span, skipArray, stringAt } from '../json-rpc/index.ts';

/** Types of content, and the first revision that has them (spec 04 §6.5). */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['audio', '2025-03-26'],
  ['resource_link', '2025-06-18'],
]);
const COMPLETE_SINCE = '2025-06-18';

/** Whether a peer of that revision may be sent content that it does not know. */
export function isOlder(revision: string | undefined): revision is string {
  return revision !== undefined && revision < COMPLETE_SINCE;
}

/**
 * Turns content that a peer of `revision` does not know into text that says the same; other members of it stay. `place` is
 * a result of `tools/call` or `prompts/get`, or the params of `sampling/createMessage`.
 */
export function contentEdits(text: string, place: Span | undefined, revision: string): readonly Edit[] {
  if (place === undefined || !mayHoldUnknown(text)) return [];
  const edits: Edit[] = [];
  const visit = (item: Span) => {
    const type = findMember(text, item, 'type');
    const since = SINCE.get(stringAt(text, type) ?? '');
    if (type !== undefined && since !== undefined && revision < since)
      edits.push(...asText(text, item, type));
  };
  eachElement(text, findMember(text, place, 'content'), visit);
  eachElement(text, findMember(text, place, 'messages'), (message) => {
    const content = findMember(text, message, 'content');
    if (content === undefined) return;
    if (text[content.start] === '[') eachElement(text, content, visit);
    else visit(content);
  });
  return edits;
}

/** Nearly every message ends here. */
function mayHoldUnknown(text: string): boolean {
  return text.includes('"audio"') || text.includes('"resource_link"') || text.includes('\\u');
}

function eachElement(text: string, array: Span | undefined, visit: (element: Span) => void): void {
  if (array === undefined || text[array.start] !== '[') return;
  skipArray(createScan(text), array.start, 0, (start, end) => visit({ start, end }));
}

function asText(text: string, item: Span, type: Span): readonly Edit[] {
  const said = JSON.stringify(describe(JSON.parse(text.slice(item.start, item.end))));
  const own = findMember(text, item, 'text');
  return own === undefined
    ? [{ at: type, by: `"text","text":${said}` }]
    : [
        { at: type, by: '"text"' },
        { at: own, by: said },
      ];
}

function describe(item: Readonly<Record<string, unknown>>): string {
  const word = (name: string) => (typeof item[name] === 'string' ? item[name] : '');
  if (item['type'] === 'audio') {
    return `[audio: ${word('mimeType') || 'unknown type'}, ${Buffer.byteLength(word('data'), 'base64')} bytes]`;
  }
  const facts = [word('uri'), word('mimeType')].filter((fact) => fact !== '').join(', ');
  const link = `[resource link: ${word('title') || word('name') || word('uri')} (${facts})]`;
  return word('description') === '' ? link : `${link} ${word('description')}`;
}
