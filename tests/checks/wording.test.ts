import { expect, test } from 'bun:test';
import { wordingFaultsIn } from '../../scripts/wording.ts';

test.each<[string, string, readonly number[]]>([
  ['nothing to say', 'const a = 1;', []],
  ['a subject', '/** Port of the proxy. */', []],
  ['Of', '/** Of the proxy. */', [1]],
  ['Said', '/** Said when nobody asked. */', [1]],
  ['Told', '\n/** Told once. */', [2]],
  ['For', '  /** For logs. */', [1]],
  ['Whoever', '/** Whoever asks. */', [1]],
  ['It is … that', '/** It is the caller that closes it. */', [1]],
  ['It is in another sentence than that', '/** It is closed. The caller does that. */', []],
  ['a fragment on the second line of a docstring', '/**\n * Of the proxy.\n */', [1]],
  ['the same words inside a sentence', '/** Port of the proxy, for logs.\n * Of the two, the first. */', []],
  ['words that only begin alike', '/** Office hours. Forwards it. */', []],
  ['a comment that is no docstring', '// For the reader: a heading may be short.', []],
  [
    'whoever in any comment, by its line',
    '/**\n * Tells\n * whoever asks.\n */\nf(); // whoever waits',
    [3, 5],
  ],
  ['whoever in code and texts', "const whoever = 'whoever, see http://whoever.example';", []],
])('comments are checked for fragments: %s', (_, text, lines) => {
  expect(wordingFaultsIn(text).map(({ line }) => line)).toEqual([...lines]);
});
