import { describe, expect, test } from 'bun:test';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, silentLogger } from '../platform/index.ts';
import { collectEnvironment, parseEnvironmentFile, parseVariable } from './environment.ts';

test.each([
  [['A=1', 'B=x=y,z', 'C='], { A: '1', B: 'x=y,z', C: '' }],
  [['A=1', 'A=2'], { A: '2' }],
  [['KEY=-----BEGIN-----\nab\n'], { KEY: '-----BEGIN-----\nab\n' }],
  [['größe.x-1=ä', 'a%b=c'], { 'größe.x-1': 'ä', 'a%b': 'c' }],
  [[], {}],
])('-e %j gives %j', (flags, expected) => {
  expect(Object.fromEntries(flags.map(parseVariable))).toEqual(expected);
});

test.each([
  [
    'A',
    'failed to parse environment variables: invalid environment variable format: A (expected KEY=VALUE, as in -e A="$A")',
  ],
  ['=1', 'failed to parse environment variables: empty environment variable key'],
  [
    'A\nB=x',
    'failed to parse environment variables: invalid environment variable name "A\\nB": a line break cannot stand in a name',
  ],
  ['A B=x', 'invalid environment variable name "A B": a space cannot stand in a name'],
  ['A\u0000=x', 'invalid environment variable name "A\\u0000": U+0000 cannot stand in a name'],
  ['A\u202e=x', 'U+202E cannot stand in a name'],
  ['A\u00a0=x', 'U+00A0 cannot stand in a name'],
  ['A=x\u0000y', 'invalid value of environment variable "A": a NUL cannot stand in a value'],
])('-e %j is refused', (flag, message) => {
  expect(() => parseVariable(flag)).toThrow(message);
});

describe('env files', () => {
  test('skip blank lines, comments and lines without =, and drop a leading export', () => {
    const text = '\n# comment\nexport A=1\nnonsense\n  B = "quoted" \r\nC=a=b\n';
    expect({ ...parseEnvironmentFile(text) }).toEqual({ A: '1', B: '"quoted"', C: 'a=b' });
  });

  test('with a line that starts with = are refused', () => {
    expect(() => parseEnvironmentFile('A=1\n=2\n')).toThrow('empty environment variable key in line: =2');
  });

  test('-e beats the folder, whose later files beat earlier ones, which beat the single file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-env-'));
    await writeFile(join(folder, '1.env'), 'A=folder1\nB=folder1\nC=folder1\n');
    await writeFile(join(folder, '2.env'), 'B=folder2\nC=folder2\n');
    await writeFile(join(folder, '.hidden'), 'D=hidden\n');
    await writeFile(join(folder, '3.env'), '=bad\n');
    const file = join(await mkdtemp(join(tmpdir(), 'thv-env-')), 'single.env');
    await writeFile(file, 'A=file\nE=file\n');
    const variables = await collectEnvironment({ given: { C: 'flag' }, file, folder }, silentLogger);
    expect({ ...variables }).toEqual({ A: 'folder1', B: 'folder2', C: 'flag', E: 'file' });
  });

  test('of a folder that does not exist set nothing; one that is no folder is warned about', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'thv-env-')), 'single.env');
    await writeFile(file, 'A=1\n');
    const lines: string[] = [];
    const logger = createLogger({ level: 'WARN', write: (line) => void lines.push(line) });
    for (const folder of [`${file}.d`, file])
      expect({ ...(await collectEnvironment({ given: {}, file: undefined, folder }, logger)) }).toEqual({});
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'skipping folder of env files', path: file });
  });

  test('that do not exist are an error naming the path', async () => {
    const missing = collectEnvironment(
      { given: {}, file: '/nonexistent/x.env', folder: undefined },
      silentLogger,
    );
    expect(missing).rejects.toThrow('failed to process env file /nonexistent/x.env: ');
  });
});
