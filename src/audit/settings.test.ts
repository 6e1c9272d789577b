import { describe, expect, test } from 'bun:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAuditConfig } from './read-config.ts';
import { auditSettings, parseAuditConfig } from './settings.ts';

describe('an audit config', () => {
  test.each([
    ['an unknown event', { eventTypes: ['mcp_ping', 'x'] }, 'unknown event type: x'],
    ['an unknown event to leave out', { excludeEventTypes: ['y'] }, 'unknown exclude event type: y'],
    ['a negative size', { maxDataSize: -1 }, 'maxDataSize cannot be negative'],
    ['no depth', { maxDelegationDepth: 0 }, 'maxDelegationDepth must be positive'],
    ['a small file', { maxFileSize: 10 }, 'maxFileSize must be at least 65536'],
    ['a misspelt key', { failclosed: true }, 'unknown key failclosed'],
    [
      'several faults',
      { maxDataSize: -1, logFile: 7 },
      'maxDataSize cannot be negative; logFile: Invalid type: Expected string but received 7',
    ],
    ['no object', 'x', 'Invalid type: Expected Object but received "x"'],
  ])('with %s is refused', (_, config, message) => {
    expect(() => parseAuditConfig(config)).toThrow(message);
  });

  test.each([
    [
      'nothing',
      {},
      { component: 'w', maxDataBytes: 1024, detectsErrors: true, failsClosed: false, file: undefined },
    ],
    ['no data size', { maxDataSize: 0 }, { maxDataBytes: 1024 }],
    ['a component', { component: 'c' }, { component: 'c' }],
    ['a file', { logFile: '/a' }, { file: { path: '/a', maxBytes: 104_857_600, files: 10 } }],
  ])('that says %s', (_, config, expected) => {
    expect(auditSettings(parseAuditConfig(config), 'w')).toMatchObject(expected);
  });

  test('may switch audit off, and name the events of streams', () => {
    expect(auditSettings(parseAuditConfig({ enabled: false }), 'w')).toBeUndefined();
    const settings = auditSettings(parseAuditConfig({ eventTypes: ['sse_connection'] }), 'w');
    expect([settings?.logs('sse_connection'), settings?.logs('mcp_ping')]).toEqual([true, false]);
  });

  test('is read as YAML by its extension and as JSON otherwise, with a log file that needs no working folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'thv-audit-config-'));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    expect(await readAuditConfig(file('a.yaml', 'maxDataSize: 5\nlogFile: a.log\n'))).toEqual({
      maxDataSize: 5,
      logFile: join(process.cwd(), 'a.log'),
    });
    expect(await readAuditConfig(file('a.txt', '{"maxDataSize":5}'))).toEqual({ maxDataSize: 5 });
    await expect(readAuditConfig(file('b', 'maxDataSize: 5'))).rejects.toThrow('not valid JSON: ');
    await expect(readAuditConfig(file('b.yml', 'a: ['))).rejects.toThrow('not valid YAML: ');
    await expect(readAuditConfig(join(folder, 'none'))).rejects.toThrow('ENOENT');
  });
});
