import { expect, test } from 'bun:test';
import { logSettings } from './log-settings.ts';

const rows: readonly (readonly [Record<string, string>, boolean, boolean, string, string])[] = [
  [{}, false, false, 'INFO', 'json'],
  [{}, false, true, 'INFO', 'text'],
  [{}, true, false, 'DEBUG', 'json'],
  [{ TOOLHIVE_DEBUG: 'true' }, false, false, 'DEBUG', 'json'],
  [{ TOOLHIVE_DEBUG: '1' }, false, false, 'DEBUG', 'json'],
  [{ TOOLHIVE_DEBUG: 'false' }, true, false, 'DEBUG', 'json'],
  [{ TOOLHIVE_DEBUG: 'nonsense' }, false, false, 'INFO', 'json'],
  [{ UNSTRUCTURED_LOGS: 'true' }, false, false, 'INFO', 'text'],
  [{ UNSTRUCTURED_LOGS: 'false' }, false, true, 'INFO', 'json'],
  [{ UNSTRUCTURED_LOGS: '' }, false, true, 'INFO', 'text'],
];

test.each(rows)('%j, debug %p, terminal %p: %s %s', (env, debug, stderrIsTty, level, format) => {
  expect(logSettings(env, { debug, stderrIsTty })).toEqual({ level, format } as ReturnType<
    typeof logSettings
  >);
});
