import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPermissionProfile } from './profile-file.ts';

async function read(content: string) {
  const folder = await mkdtemp(join(tmpdir(), 'thv-profile-'));
  try {
    const path = join(folder, 'profile.json');
    await writeFile(path, content);
    return await readPermissionProfile(path).catch((error: Error) =>
      error.message.replaceAll(path, 'FILE').replace(/\. Hint: .*/, ''),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('permission profiles', () => {
  test.each([
    ['none', { name: 'none', network: { outbound: {}, inbound: {} } }],
    ['stdio', { name: 'none', network: { outbound: {}, inbound: {} } }],
    ['network', { name: 'network', network: { outbound: { insecure_allow_all: true }, inbound: {} } }],
  ])('%s is built in', async (name, profile) => {
    expect(await readPermissionProfile(name)).toEqual(profile);
  });

  test('a file is taken as it is, unknown keys included', async () => {
    const profile = {
      name: 'mine',
      read: ['/etc/app', './conf:/conf'],
      network: {
        outbound: { allow_host: ['example.com', '.github.com', '10.0.0.1', '::1'], allow_port: [1, 65535] },
      },
      later: 1,
    };
    expect(await read(JSON.stringify(profile))).toEqual(profile);
  });

  test.each([
    ['not JSON', '{', 'failed to parse permission profile: FILE: '],
    [
      'a list, which would grant all of the network',
      '[]',
      'failed to parse permission profile: FILE: not an object',
    ],
    ['another shape', '{"read":"x"}', 'failed to parse permission profile: FILE: read: '],
    [
      'everything wrong at once',
      JSON.stringify({
        read: [':/c', '/h:', 'a:b'],
        network: { outbound: { allow_host: ['a b', 'x"\nacl', '*'], allow_port: [0, 65536] } },
      }),
      'invalid permission profile FILE: invalid host "a b"; invalid host "x"\nacl"; invalid host "*"; ' +
        'invalid port 0 (must be between 1 and 65535); invalid port 65536 (must be between 1 and 65535); ' +
        'invalid mount ":/c" (one side is empty); invalid mount "/h:" (one side is empty); mount target must be absolute: a:b',
    ],
    [
      'TCP routes that are none',
      JSON.stringify({
        network: { outbound: { allow_tcp: ['a', '192.0.2.1:22', '.a:1', 'a:53', 'a:22', 'b:22', 'a:22'] } },
      }),
      'invalid permission profile FILE: ' +
        ['a', '192.0.2.1:22', '.a:1']
          .map(
            (text) =>
              `invalid allow_tcp entry "${text}" (must be a host name and a port, such as db.example.com:5432)`,
          )
          .join('; ') +
        `; invalid allow_tcp entry "a:53" (port 53 is the sidecar's own); allow_tcp has two hosts for port 22: a and b`,
    ],
  ])('refused: %s', async (_, content, message) => {
    expect(String(await read(content)).startsWith(message)).toBe(true);
  });

  test('a file that is not there is named with what would do instead', async () => {
    await expect(readPermissionProfile('/nowhere/p.json')).rejects.toThrow(
      /^failed to read permission profile: .*\/nowhere\/p\.json.*\. Hint: give "none", "network", or the path of a JSON file/,
    );
  });
});
