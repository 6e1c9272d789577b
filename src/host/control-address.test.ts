import { expect, test } from 'bun:test';
import type { Paths } from '../platform/index.ts';
import { controlAddresses } from './control-address.ts';

const paths = (changes: Partial<Paths>): Paths => ({
  config: '/c/toolhive',
  data: '/d/toolhive',
  state: '/s/toolhive',
  cache: '/k/toolhive',
  home: '/home/u',
  runtime: undefined,
  temporary: '/tmp',
  ...changes,
});

test('the login session’s runtime folder comes first, then the state folder', () => {
  expect(controlAddresses(paths({ runtime: '/run/user/1/toolhive' }), 'linux').slice(0, 2)).toEqual([
    '/run/user/1/toolhive/host.sock',
    '/s/toolhive/host.sock',
  ]);
});

test('a path longer than a socket address can hold gives way to a short one of the same state folder', () => {
  const long = `/${'x'.repeat(120)}/toolhive`;
  const [address, ...others] = controlAddresses(paths({ state: long }), 'linux');
  expect(address).toMatch(/^\/tmp\/toolhive-\d+-[0-9a-f]{12}\/host\.sock$/);
  expect(others).toEqual([]);
  expect(controlAddresses(paths({ state: `${long}2` }), 'linux')).not.toContain(address ?? '');
});

test('on Windows it is a pipe of this user and this state folder', () => {
  expect(controlAddresses(paths({}), 'win32')[0]).toMatch(/^\\\\\.\\pipe\\toolhive-host-.+-[0-9a-f]{12}$/);
});
