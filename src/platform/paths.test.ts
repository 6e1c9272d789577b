import { expect, test } from 'bun:test';
import { resolvePaths } from './paths.ts';

test.each([
  ['linux', {}, '/home/u/.config/toolhive', '/home/u/.local/share/toolhive', '/home/u/.local/state/toolhive'],
  [
    'darwin',
    {},
    '/home/u/Library/Application Support/toolhive',
    '/home/u/Library/Application Support/toolhive',
    '/home/u/Library/Application Support/toolhive',
  ],
  [
    'linux',
    { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '~/d', XDG_STATE_HOME: '$HOME/s' },
    '/c/toolhive',
    '/home/u/d/toolhive',
    '/home/u/s/toolhive',
  ],
  [
    'linux',
    { XDG_CONFIG_HOME: 'relative' },
    '/home/u/.config/toolhive',
    '/home/u/.local/share/toolhive',
    '/home/u/.local/state/toolhive',
  ],
] as const)('on %s with %j', (platform, env, config, data, state) => {
  expect(resolvePaths(env, platform, '/home/u')).toMatchObject({ config, data, state });
});

test('the folder for sockets is there only where the system names one', () => {
  expect(resolvePaths({}, 'linux', '/home/u').runtime).toBeUndefined();
  expect(resolvePaths({ XDG_RUNTIME_DIR: '/run/user/1' }, 'linux', '/home/u').runtime).toBe(
    '/run/user/1/toolhive',
  );
});
