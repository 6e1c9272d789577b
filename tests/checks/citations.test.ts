import { describe, expect, test } from 'bun:test';
import { bareDocstringsIn, citationsIn, decisionsIn, placesOf } from '../../scripts/citations.ts';

describe('citations of a source file', () => {
  test.each<[string, string, readonly string[]]>([
    ['nothing', 'const a = 1; // special 04', []],
    ['a chapter alone', '/** As spec 07 has it. */', ['07']],
    ['a section', '/** Kept (spec 04 §6.2). */', ['04 §6.2']],
    ['an item of a section', '// spec 03 §15-B13, spec 01 §14-2', ['03 §15-B13', '01 §14-2']],
    ['several places of one chapter', '(spec 04 §6.3, §6.5 and §19.1)', ['04 §6.3', '04 §6.5', '04 §19.1']],
    ['a range, by its ends', '(spec 10 §11.3–§11.6)', ['10 §11.3', '10 §11.6']],
    ['another chapter without the word', '(spec 01 §4.2, 03 §13)', ['01 §4.2', '03 §13']],
    ['over a break of the comment', '/**\n * As spec\n * 04 §6.2 says\n */', ['04 §6.2']],
    [
      'a place of the chapter that was named last',
      '// spec 04 §1\nconst a = 1;\n// §2.3',
      ['04 §1', '04 §2.3'],
    ],
    ['a place of no chapter', '// (§2.3)', [' §2.3']],
    [
      'sections of standards are passed over',
      '// RFC 9728 §3.1, HTML §9.2.6, OpenID Connect Discovery 1.0 §3',
      [],
    ],
    ['the end of a sentence is no part of a place', '// See spec 04 §6.2. Then', ['04 §6.2']],
  ])('%s', (_, text, expected) => {
    expect(
      citationsIn(text).map(({ chapter, place }) => (place === undefined ? chapter : `${chapter} §${place}`)),
    ).toEqual([...expected]);
  });

  test('a chapter cites itself without its number, and others with theirs', () => {
    expect(citationsIn('as in 02 §3, but §4', '10').map(({ chapter, place }) => [chapter, place])).toEqual([
      ['02', '3'],
      ['10', '4'],
    ]);
  });

  test('the line is where the citation begins', () => {
    expect(citationsIn('\n\n// spec 04 §6.2')[0]?.line).toBe(3);
  });
});

test('docstrings that only cite are found by line', () => {
  const text = [
    '/** Spec 10 §12. */',
    '/** Texts of spec 03 §13.6, §13.7. */',
    '/** Adds the routes of groups (spec 10 §12). */',
    '/** Says something. */',
    '/**',
    ' * See spec 04 §1.',
    ' */',
  ].join('\n');
  expect(bareDocstringsIn(text)).toEqual([1, 2, 5]);
});

test('decisions are found by number', () => {
  expect(
    decisionsIn('(decision 02)\n// a decision 3 of mine, decisions 04').map(({ number }) => number),
  ).toEqual(['02']);
});

describe('places of a chapter', () => {
  const places = placesOf(
    [
      '# 04 – The proxy',
      '## 6. Bridge',
      '### 6.2 POST',
      '1. first',
      '2. second',
      '| 7 | a numbered row | x |',
      '## 15. Better',
      '- **B13** generic credentials',
      '## 19. Better still',
      '**19.7 Sessions.** Text.',
      'in a sentence, 3. is no item, nor **19.8 this',
    ].join('\n'),
  );

  test.each(['6', '6.2', '6.2-1', '6.2-2', '6.2-7', '15-B13', '19', '19.7'])('%s exists', (place) => {
    expect(places.has(place)).toBeTrue();
  });

  test.each(['7', '6.3', '6.2-3', '15-B14', '19.8', '19-3'])('%s does not', (place) => {
    expect(places.has(place)).toBeFalse();
  });
});
