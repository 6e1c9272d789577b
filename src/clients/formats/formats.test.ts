import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { entriesOf, isOnlyChange } from './entries.ts';
import { json } from './json.ts';
import { tomlArray, tomlTable } from './toml.ts';
import type { SettingsFormat } from './types.ts';
import { yamlList, yamlMap } from './yaml.ts';

type Row = readonly [sentence: string, before: string, after: string];

const JSON_ROWS: readonly Row[] = [
  ['an empty file', '', '{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}\n'],
  ['a file of comments', '// mine', '// mine\n{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}\n'],
  ['an empty object', '{}', '{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}'],
  ['an empty object on two lines', '{\n}\n', '{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}\n'],
  [
    'an object with nothing but a comment',
    '{\n  // none\n}\n',
    '{\n  // none\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}\n',
  ],
  ['one line', '{"a":1}', '{"a":1,"s":{"x":{"url":"u"}}}'],
  ['one line with the section', '{"s":{"y":{"z":1}}}', '{"s":{"y":{"z":1},"x":{"url":"u"}}}'],
  ['one line with an empty section', '{"s":{}}', '{"s":{"x":{"url":"u"}}}'],
  ['one line with spaces', '{ "s": { "y": {} } }\n', '{ "s": { "y": {}, "x": {"url":"u"} } }\n'],
  [
    'four spaces and a foreign server',
    '{\n    "s": {\n        "y": {\n            "command": "c"\n        }\n    }\n}\n',
    '{\n    "s": {\n        "y": {\n            "command": "c"\n        },\n        "x": {\n            "url": "u"\n        }\n    }\n}\n',
  ],
  [
    'tabs and an empty section',
    '{\n\t"s": {},\n\t"b": [1, 2]\n}',
    '{\n\t"s": {\n\t\t"x": {\n\t\t\t"url": "u"\n\t\t}\n\t},\n\t"b": [1, 2]\n}',
  ],
  [
    'comments keep their places',
    '{\n  // top\n  "s": {\n    "y": {} /* y */, // last\n    // end\n  }, // s\n  "b": 1 // b\n}\n',
    '{\n  // top\n  "s": {\n    "y": {} /* y */, // last\n    "x": {\n      "url": "u"\n    },\n    // end\n  }, // s\n  "b": 1 // b\n}\n',
  ],
  [
    'a comment behind a last member stays with it',
    '{\n  "s": {\n    "y": {} // last\n  }\n}\n',
    '{\n  "s": {\n    "y": {}, // last\n    "x": {\n      "url": "u"\n    }\n  }\n}\n',
  ],
  [
    'line ends of Windows',
    '{\r\n  "s": {\r\n    "y": {}\r\n  }\r\n}\r\n',
    '{\r\n  "s": {\r\n    "y": {},\r\n    "x": {\r\n      "url": "u"\r\n    }\r\n  }\r\n}\r\n',
  ],
  ['a section that is null', '{\n  "s": null\n}', '{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}'],
  [
    'an empty section with a space',
    '{\n  "s": { }\n}',
    '{\n  "s": {\n    "x": {\n      "url": "u"\n    }\n  }\n}',
  ],
  [
    'an empty section with a comment',
    '{\n  "s": {\n    // none yet\n  }\n}',
    '{\n  "s": {\n    // none yet\n    "x": {\n      "url": "u"\n    }\n  }\n}',
  ],
  [
    'members on one line of several',
    '{\n  "a": 1, "s": { "y": 1 }, "b": 2\n}',
    '{\n  "a": 1, "s": { "y": 1, "x": {"url":"u"} }, "b": 2\n}',
  ],
];

const YAML_MAP_ROWS: readonly Row[] = [
  ['an empty file', '', 's:\n    x:\n        url: u\n'],
  ['a file of comments', '# mine\n', '# mine\ns:\n    x:\n        url: u\n'],
  ['no line end at the end', 'a: 1', 'a: 1\ns:\n    x:\n        url: u'],
  [
    'a foreign server and a comment',
    's: # servers\n  y: # the y\n    cmd: c # c\n  # end\n# next\nb: 1\n',
    's: # servers\n  y: # the y\n    cmd: c # c\n  x:\n    url: u\n  # end\n# next\nb: 1\n',
  ],
  ['an empty flow mapping', 's: {} # none\nb: 1\n', 's: # none\n    x:\n        url: u\nb: 1\n'],
  ['a section without a value', 'a: 1\ns:\n', 'a: 1\ns:\n    x:\n        url: u\n'],
  ['a section that is null', 's: ~ # no\n', 's: # no\n    x:\n        url: u\n'],
  ['a flow mapping', 's: { y: {cmd: c} } # f\n', 's: { y: {cmd: c}, "x": {"url":"u"} } # f\n'],
  ['a file of JSON', '{"a": 1}\n', '{"a": 1, "s": {"x": {"url":"u"}}}\n'],
  ['an empty file of JSON', '{}\n', '{"s": {"x": {"url":"u"}}}\n'],
  [
    'line ends of Windows',
    's:\r\n  y:\r\n    cmd: c\r\nb: 1\r\n',
    's:\r\n  y:\r\n    cmd: c\r\n  x:\r\n    url: u\r\nb: 1\r\n',
  ],
  [
    'a block scalar at the end',
    's:\n  y:\n    text: |\n      a\n\n',
    's:\n  y:\n    text: |\n      a\n  x:\n    url: u\n\n',
  ],
  [
    'a block scalar that keeps its line ends',
    's:\n  y:\n    text: |+\n      a\n\nb: 1\n',
    's:\n  y:\n    text: |+\n      a\n\n  x:\n    url: u\nb: 1\n',
  ],
  ['a document with its marks', '---\na: 1\n...\n', '---\na: 1\ns:\n    x:\n        url: u\n...\n'],
  [
    'strings in quotes, over lines',
    'a: "1\n  2"\nb: \'x\'\n',
    'a: "1\n  2"\nb: \'x\'\ns:\n    x:\n        url: u\n',
  ],
];

const YAML_LIST_ROWS: readonly Row[] = [
  ['an empty file', '', 's:\n    - name: x\n      url: u\n'],
  [
    'no indentation',
    's:\n- name: y # y\n  cmd: c\nb: 1\n',
    's:\n- name: y # y\n  cmd: c\n- name: x\n  url: u\nb: 1\n',
  ],
  [
    'indented, dashes on lines of their own',
    's:\n  -\n    name: y\n',
    's:\n  -\n    name: y\n  - name: x\n    url: u\n',
  ],
  ['an empty flow sequence', 's: []\nb: 1\n', 's:\n    - name: x\n      url: u\nb: 1\n'],
  ['a flow sequence', 's: [{name: y}]\n', 's: [{name: y}, {"name":"x","url":"u"}]\n'],
  [
    'elements that are used from elsewhere',
    's:\n  - uses: a/b\n',
    's:\n  - uses: a/b\n  - name: x\n    url: u\n',
  ],
];

const TOML_TABLE_ROWS: readonly Row[] = [
  ['an empty file', '', '[s.x]\nurl = "u"\n'],
  [
    'comments and other tables',
    '# mine\na = 1 # one\n\n[b]\nc = 2\n',
    '# mine\na = 1 # one\n\n[b]\nc = 2\n\n[s.x]\nurl = "u"\n',
  ],
  ['no line end at the end', 'a = 1', 'a = 1\n\n[s.x]\nurl = "u"'],
  ['empty lines at the end', 'a = 1\n\n\n', 'a = 1\n\n\n\n[s.x]\nurl = "u"\n'],
  [
    'a foreign server',
    '[s.y]\ncommand = "c"\n[s.y.env]\nK = "v"\n',
    '[s.y]\ncommand = "c"\n[s.y.env]\nK = "v"\n\n[s.x]\nurl = "u"\n',
  ],
  [
    'an inline table',
    's = { y = { command = "c" } } # in\n',
    's = { y = { command = "c" }, x = { url = "u" } } # in\n',
  ],
  ['an empty inline table', 's = {}\n[b]\n', 's = {x = { url = "u" }}\n[b]\n'],
  [
    'a table of the section',
    '[s]\ny = { command = "c" }\n',
    '[s]\ny = { command = "c" }\n\n[s.x]\nurl = "u"\n',
  ],
  ['line ends of Windows', 'a = 1\r\n', 'a = 1\r\n\r\n[s.x]\r\nurl = "u"\r\n'],
];

const TOML_ARRAY_ROWS: readonly Row[] = [
  ['an empty file', '', '[[s]]\nname = "x"\nurl = "u"\n'],
  [
    'a foreign server',
    '[[s]]\nname = "y"\n[s.env]\nA = "b"\n',
    '[[s]]\nname = "y"\n[s.env]\nA = "b"\n\n[[s]]\nname = "x"\nurl = "u"\n',
  ],
  ['an empty array', 'a = 1\ns = []\n', 'a = 1\ns = [{ name = "x", url = "u" }]\n'],
  [
    'an array over lines, with its comma',
    's = [\n  { name = "y" }, # y\n]\n',
    's = [\n  { name = "y" }, { name = "x", url = "u" }, # y\n]\n',
  ],
];

const cases: readonly (readonly [string, SettingsFormat, boolean, readonly Row[]])[] = [
  ['JSON', json, false, JSON_ROWS],
  ['YAML mapping', yamlMap, false, YAML_MAP_ROWS],
  ['YAML list', yamlList, true, YAML_LIST_ROWS],
  ['TOML tables', tomlTable, false, TOML_TABLE_ROWS],
  ['TOML array', tomlArray, true, TOML_ARRAY_ROWS],
];

describe.each(cases)('%s', (_label, format, isNamed, rows) => {
  const entry = { ...(isNamed ? { name: 'x' } : {}), url: 'u' };
  const other = { ...entry, url: 'other' };

  test.each(rows)('%s: added, then removed', (_sentence, before, after) => {
    const emptiness = format.emptiness(before, 's');
    expect(format.set(before, 's', 'x', entry)).toBe(after);
    expect(isOnlyChange(format, 's', { before, after }, { name: 'x', entry })).toBe(true);
    expect(format.remove(after, 's', 'x', emptiness)).toBe(before);
  });

  test.each(rows)('%s: added twice, changed, changed back', (_sentence, _before, after) => {
    expect(format.set(after, 's', 'x', entry)).toBe(after);
    const changed = format.set(after, 's', 'x', other);
    expect(entriesOf(format.values(changed), 's').get('x')).toEqual(other);
    const back = format.set(changed, 's', 'x', entry);
    expect(format.values(back)).toEqual(format.values(after));
    expect(isOnlyChange(format, 's', { before: changed, after: back }, { name: 'x', entry })).toBe(true);
  });

  test.each(rows)('%s: a second one, gone first or last', (_sentence, before, after) => {
    const second = { ...entry, ...(isNamed ? { name: 'z' } : {}) };
    const emptiness = format.emptiness(before, 's');
    const both = format.set(after, 's', 'z', second);
    expect(format.remove(both, 's', 'z', emptiness)).toBe(after);
    const rest = format.remove(both, 's', 'x', emptiness);
    expect([...entriesOf(format.values(rest), 's').keys()]).not.toContain('x');
    expect(format.remove(rest, 's', 'z', emptiness)).toBe(before);
  });

  test.each([['a/b~c'], ['with "quotes"'], ['a.b'], ['ü 名'], ['#x: y']])(
    'a name that needs care is one key: %s',
    (name) => {
      const named = isNamed ? { ...entry, name } : entry;
      const text = format.set('', 's', name, named);
      expect([...entriesOf(format.values(text), 's')]).toEqual([[name, named]]);
      expect(format.remove(text, 's', name, format.emptiness('', 's'))).toBe('');
    },
  );

  test('removing what is not there changes nothing', () => {
    for (const [, before] of rows) expect(format.remove(before, 's', 'x', undefined)).toBe(before);
  });
});

describe('any file that a program may have written', () => {
  const Key = fc.string({ maxLength: 8 }).filter((key) => key !== '__proto__');
  const Value = fc.jsonValue({ maxDepth: 2 });
  const Servers = fc.dictionary(Key, fc.dictionary(Key, Value, { maxKeys: 3 }), { maxKeys: 3 });
  const Document = fc
    .tuple(fc.dictionary(Key, Value, { maxKeys: 4 }), fc.option(Servers, { nil: undefined }))
    .map(([others, servers]) => ({ ...others, ...(servers === undefined ? {} : { s: servers }) }))
    .filter((document) => !('s' in document) || isRecord(document.s));
  const Layout = fc.constantFrom<string | number | undefined>(undefined, 2, 4, '\t');
  const LineEnd = fc.constantFrom('\n', '\r\n');

  /** Adds two entries and takes them out, in the same order and in the other. */
  function comesAndGoes(format: SettingsFormat, before: string): void {
    const name = 'new server';
    const entry = { url: 'http://localhost:1/mcp' };
    const emptiness = format.emptiness(before, 's');
    const after = format.set(before, 's', name, entry);
    expect(isOnlyChange(format, 's', { before, after }, { name, entry })).toBe(true);
    expect(format.remove(after, 's', name, emptiness)).toBe(before);
    const both = format.set(after, 's', 'another', entry);
    expect(format.remove(both, 's', 'another', emptiness)).toBe(after);
    expect(format.remove(format.remove(both, 's', name, emptiness), 's', 'another', emptiness)).toBe(before);
  }

  test('JSON', () => {
    fc.assert(
      fc.property(Document, Layout, LineEnd, (document, layout, end) =>
        comesAndGoes(json, JSON.stringify(document, undefined, layout).replaceAll('\n', end)),
      ),
    );
  });

  test('YAML', () => {
    fc.assert(
      fc.property(Document, fc.constantFrom(2, 4), fc.boolean(), (document, indent, isFlow) =>
        comesAndGoes(yamlMap, stringify(document, { indent, collectionStyle: isFlow ? 'flow' : 'any' })),
      ),
    );
  });
});

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
