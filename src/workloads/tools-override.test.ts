import { describe, expect, test } from 'bun:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readToolsOverride } from './tools-override.ts';

function fileWith(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'thv-override-')), 'override.json');
  writeFileSync(path, content);
  return path;
}

describe('tools override', () => {
  test('is read, empty parts left out', async () => {
    const path = fileWith('{"toolsOverride":{"a":{"name":"x","description":""},"b":{"description":"d"}}}');
    expect(await readToolsOverride(path)).toEqual({ a: { name: 'x' }, b: { description: 'd' } });
  });

  test.each([
    ['{}', 'tools override are empty'],
    ['{"toolsOverride":{}}', 'tools override are empty'],
    ['{"toolsOverride":{"a":{}}}', 'tool override for a must have either Name or Description set'],
    ['{"toolsOverride":{"a":{"name":"x"},"b":{"name":"x"}}}', 'tools a and b are both overridden to x'],
    [
      '{"toolsOverride":{"a":{"name":7}}}',
      'toolsOverride.a.name: Invalid type: Expected string but received 7',
    ],
    ['[', 'not valid JSON: JSON Parse error: Unexpected EOF'],
  ])('%s is refused', async (content, message) => {
    const refused = readToolsOverride(fileWith(content));
    await expect(refused).rejects.toThrow(`failed to load tools override: ${message}`);
  });

  test('that is not there is refused', async () => {
    await expect(readToolsOverride('/nonexistent/o.json')).rejects.toThrow(
      'failed to load tools override: ENOENT',
    );
  });
});
