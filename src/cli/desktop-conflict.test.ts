import { describe, expect, test } from 'bun:test';
import { findDesktopConflict } from './desktop-conflict.ts';

const valid = {
  schema_version: 1,
  source: 'desktop',
  install_method: 'symlink',
  symlink_target: '/apps/thv',
  desktop_version: '2.0',
};

function check(marker: object | string, facts: Partial<Parameters<typeof findDesktopConflict>[0]> = {}) {
  return findDesktopConflict({
    env: {},
    platform: 'linux',
    executable: '/usr/bin/thv',
    marker: typeof marker === 'string' ? marker : JSON.stringify(marker),
    resolve: (path) => path,
    ...facts,
  });
}

test('a desktop application with another executable is a conflict', () => {
  expect(check(valid)).toEqual({ target: '/apps/thv', desktopVersion: '2.0' });
});

test('flatpak and Windows copies have targets of their own', () => {
  expect(check({ ...valid, install_method: 'flatpak', flatpak_target: '/var/thv' })?.target).toBe('/var/thv');
  const copy = { ...valid, install_method: 'copy' };
  const env = { LOCALAPPDATA: '/local' };
  expect(check(copy, { env, platform: 'win32' })?.target).toBe('/local/ToolHive/bin/thv.exe');
  expect(check(copy, { env })).toBeUndefined();
});

describe('no conflict', () => {
  const rows: readonly (readonly [string, ReturnType<typeof check>])[] = [
    ['our own executable', check(valid, { executable: '/apps/thv' })],
    ['our own in other case on macOS', check(valid, { executable: '/Apps/THV', platform: 'darwin' })],
    ['a target that is gone', check(valid, { resolve: () => undefined })],
    ['a target that leads to us', check(valid, { resolve: () => '/usr/bin/thv' })],
    ['another schema', check({ ...valid, schema_version: 2 })],
    ['another source', check({ ...valid, source: 'brew' })],
    ['an unknown method', check({ ...valid, install_method: 'msi' })],
    ['no target', check({ ...valid, symlink_target: '' })],
    ['no JSON', check('{')],
    ['no object', check('null')],
    ['switched off', check(valid, { env: { TOOLHIVE_SKIP_DESKTOP_CHECK: ' TRUE ' } })],
  ];
  test.each(rows)('%s', (_sentence, conflict) => {
    expect(conflict).toBeUndefined();
  });
});

test('other values do not switch it off', () => {
  expect(check(valid, { env: { TOOLHIVE_SKIP_DESKTOP_CHECK: 'yes' } })).toBeDefined();
});
