import { expect, test } from 'bun:test';
import { seatbeltProfile } from './seatbelt.ts';

const facts = {
  ownFolders: ['/data/process/work'],
  readOnlyPaths: ['/data/packages/abc'],
  mounts: [
    { source: '/srv/in', target: '/in', readOnly: true },
    { source: '/srv/out', target: '/out', readOnly: false },
  ],
  overlays: [],
  network: 'none',
  proxyPort: undefined,
  serverPort: undefined,
} as const;

const linesWith = (profile: string, word: string) =>
  profile.split('\n').filter((line) => line.includes(word));

test('everything is denied but what is granted', () => {
  const profile = seatbeltProfile(facts);
  expect(profile).toStartWith('(version 1)\n(deny default)\n');
  expect(linesWith(profile, 'file-write*')).toEqual([
    '(allow file-write* (subpath "/data/process/work"))',
    '(allow file-write* (subpath "/srv/out"))',
  ]);
  expect(linesWith(profile, 'file-read* (subpath "/srv')).toEqual([
    '(allow file-read* (subpath "/srv/in"))',
    '(allow file-read* (subpath "/srv/out"))',
  ]);
  expect(linesWith(profile, 'network')).toEqual([]);
});

test('a filtered network is the proxy alone, and the port of the server', () => {
  const profile = seatbeltProfile({ ...facts, network: 'filtered', proxyPort: 4711, serverPort: 8080 });
  expect(linesWith(profile, 'network')).toEqual([
    '(allow network-bind network-inbound (local ip "localhost:8080"))',
    '(allow network-outbound (remote ip "localhost:4711"))',
  ]);
});

test('all of the network is all of it', () => {
  expect(linesWith(seatbeltProfile({ ...facts, network: 'host' }), 'network-outbound')).toEqual([
    '(allow network-outbound (remote ip))',
  ]);
});

test('a path cannot end the rule it stands in', () => {
  const source = '/a")(allow default)("\\';
  const profile = seatbeltProfile({ ...facts, mounts: [{ source, target: '/a', readOnly: true }] });
  expect(profile).toContain('(allow file-read* (subpath "/a\\")(allow default)(\\"\\\\"))');
});

test('what is hidden is denied after the grants, around it no folder changes its name, and a grant inside it stays', () => {
  const overlay = { source: '/state/empty', target: '/out/a/.env', readOnly: true };
  const profile = seatbeltProfile({
    ...facts,
    mounts: [...facts.mounts, { source: '/srv/in/secrets/public', target: '/public', readOnly: true }],
    overlays: [
      { ...overlay, hidden: '/srv/out/a/b/.env' },
      { ...overlay, hidden: '/srv/in/secrets' },
    ],
  });
  const rules = linesWith(profile, 'file-');
  const start = rules.findIndex((rule) => rule.startsWith('(deny'));
  expect(rules[start - 1]).toBe('(allow file-write* (subpath "/srv/out"))');
  expect(rules.slice(start, start + 5)).toEqual([
    '(deny file-read* file-write* (subpath "/srv/out/a/b/.env"))',
    '(deny file-read* file-write* (subpath "/srv/in/secrets"))',
    '(deny file-write-unlink (literal "/srv/out/a/b"))',
    '(deny file-write-unlink (literal "/srv/out/a"))',
    '(allow file-read* (subpath "/srv/in/secrets/public"))',
  ]);
});
