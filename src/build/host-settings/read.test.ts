import { describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silentLogger } from '../../platform/index.ts';
import type { Scheme } from '../package-reference.ts';
import { readHostSettings } from './read.ts';

/** A CA of nobody, valid until 2126. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUEtlHxSN3tTNMKG+k0SfBLKQ02dUwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwNzAyMTdaGA8yMTI2MTAyODA3
MDIxN1owEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABF0EIEkMKHQK5SlOMoVPu+9NriwTA3tuyE1G7p2lpOLAnHWqTkZhG63aSZ+q
mcBly1pu8WnwcFccNsMY6muuX/2jUzBRMB0GA1UdDgQWBBSTGH8AhpmckcjGC1nE
/U+kTYUaFzAfBgNVHSMEGDAWgBSTGH8AhpmckcjGC1nE/U+kTYUaFzAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIDrLie9qbnyEJsiZeaej6Kb56Mpr
1l5GoFigO914JPEzAiA4OtFp3xdzhgEkrZ7ijKEeYNhptkzCsnEjtiDN2OnDHA==
-----END CERTIFICATE-----`;

/** Settings as read on a machine with these files in its home and these variables. */
async function settingsOf(
  scheme: Scheme,
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  configured: ReadonlyMap<'npmrc' | 'netrc' | 'yarnrc', string> = new Map(),
) {
  const home = await mkdtemp(join(tmpdir(), 'thv-host-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(home, name)), { recursive: true });
      await Bun.write(join(home, name), content);
    }
    const {
      authFiles,
      arguments: variables,
      proxies,
      indexes,
      certificates,
    } = await readHostSettings(scheme, {
      env,
      home,
      platform: 'linux',
      configured,
      logger: silentLogger,
    });
    const facts = { variables, proxies, indexes, files: Object.fromEntries(authFiles) };
    // A machine may have some of its own.
    return certificates?.includes(CERTIFICATE) ? { ...facts, trustsTestCa: true } : facts;
  } finally {
    await rm(home, { recursive: true });
  }
}

const NOTHING = { variables: {}, proxies: {}, indexes: [], files: {} };

describe('settings of the machine', () => {
  test.each(['uvx', 'npx', 'go'] as const)('a plain machine has none for %s', async (scheme) => {
    expect(await settingsOf(scheme, {})).toEqual(NOTHING);
    expect(
      await settingsOf(scheme, { '.npmrc': 'save-exact=true\nregistry=https://registry.npmjs.org/\n' }),
    ).toEqual(NOTHING);
  });

  test('npm: registries and logins of the user file, variables replaced, the rest left out', async () => {
    const npmrc = [
      '; comment',
      'registry = https://npm.corp.example/',
      '@team:registry="https://team.corp.example/"',
      '//npm.corp.example/:_authToken=$' + '{NPM_TOKEN}',
      '//team.corp.example/:_authToken=$' + '{UNSET}',
      'cafile=/host/ca.pem',
      'save-exact=true',
    ].join('\n');
    expect(await settingsOf('npx', { '.npmrc': npmrc }, { NPM_TOKEN: 's3' })).toEqual({
      ...NOTHING,
      indexes: ['registry=https://npm.corp.example/', '@team:registry=https://team.corp.example/'],
      files: {
        npmrc:
          'registry=https://npm.corp.example/\n@team:registry=https://team.corp.example/\n//npm.corp.example/:_authToken=s3\n',
      },
    });
  });

  test.each<[string, Scheme, Record<string, string>, Record<string, string>]>([
    ['npm, in the user file', 'npx', { '.npmrc': 'cafile = "~/corp.pem"\n' }, {}],
    ['npm, in the environment', 'npx', {}, { npm_config_cafile: '~/corp.pem' }],
    ['pip', 'uvx', { '.config/pip/pip.conf': '[global]\ncert = ~/corp.pem\n' }, {}],
  ])('a CA file that is named to %s is trusted by the build', async (_, scheme, files, env) => {
    expect(await settingsOf(scheme, { ...files, 'corp.pem': CERTIFICATE }, env)).toEqual({
      ...NOTHING,
      trustsTestCa: true,
    });
    expect(await settingsOf(scheme, files, env)).toEqual(NOTHING);
  });

  test("npm: a proxy on this machine's loopback is left out, another one is kept", async () => {
    const npmrc = 'proxy=http://127.0.0.1:3128/\nhttps-proxy=http://proxy.example:3128/\n';
    expect(await settingsOf('npx', { '.npmrc': npmrc })).toEqual({
      ...NOTHING,
      files: { npmrc: 'https-proxy=http://proxy.example:3128/\n' },
    });
  });

  test('npm: the registry of the environment wins; another user file is followed', async () => {
    const { files } = await settingsOf(
      'npx',
      { '.npmrc': 'registry=https://one.example/' },
      { npm_config_registry: 'https://two.example/' },
    );
    expect(files).toEqual({ npmrc: 'registry=https://two.example/\n' });
  });

  test('an npmrc configured for builds is used instead', async () => {
    const { files } = await settingsOf(
      'npx',
      { '.npmrc': 'registry=https://one.example/' },
      {},
      new Map([['npmrc', 'x']]),
    );
    expect(files).toEqual({});
  });

  test("pip's index holds for uv too, with the login that .netrc has for its host only", async () => {
    const settings = await settingsOf('uvx', {
      '.config/pip/pip.conf':
        '[global]\nindex-url = https://u:p@pypi.corp.example/simple\nextra-index-url =\n    https://a.example/simple\n    https://b.example/simple\n[freeze]\nindex-url=https://no.example\n',
      '.netrc':
        'machine other.example login me password no\nmachine a.example\n  login bot\n  password tok\ndefault login x password y\n',
    });
    const extra = 'https://a.example/simple https://b.example/simple';
    const main = 'https://u:p@pypi.corp.example/simple';
    expect(settings).toEqual({
      variables: { PIP_INDEX_URL: main, PIP_EXTRA_INDEX_URL: extra, UV_DEFAULT_INDEX: main, UV_INDEX: extra },
      proxies: {},
      indexes: ['https://a.example/simple', 'https://b.example/simple', 'https://pypi.corp.example/simple'],
      files: { netrc: 'machine a.example\nlogin bot\npassword tok\n' },
    });
  });

  test("uv's own configuration wins for uv, and its logins are passed on", async () => {
    const { variables } = await settingsOf(
      'uvx',
      {
        '.config/uv/uv.toml':
          '[[index]]\nname = "corp"\nurl = "https://corp.example/simple"\n[[index]]\nurl = "https://main.example/simple"\ndefault = true\n',
        '.config/pip/pip.conf': '[global]\nindex-url=https://pip.example/simple\n',
      },
      { UV_INDEX_CORP_PASSWORD: 'pw', UV_INDEX_CORP_USERNAME: 'me', UV_CACHE_DIR: '/x' },
    );
    expect(variables).toEqual({
      PIP_INDEX_URL: 'https://pip.example/simple',
      PIP_EXTRA_INDEX_URL: 'https://corp.example/simple',
      UV_DEFAULT_INDEX: 'https://main.example/simple',
      UV_INDEX: 'corp=https://corp.example/simple',
      UV_INDEX_CORP_PASSWORD: 'pw',
      UV_INDEX_CORP_USERNAME: 'me',
    });
  });

  test('an explicit index of uv is for what a project pins to it, not for packages', async () => {
    const toml =
      '[[index]]\nname = "torch"\nurl = "https://torch.example/whl"\nexplicit = true\n[[index]]\nname = "broken"\n';
    expect(await settingsOf('uvx', { '.config/uv/uv.toml': toml })).toEqual(NOTHING);
  });

  test('a file that is no TOML is left to uv', async () => {
    expect((await settingsOf('uvx', { '.config/uv/uv.toml': '[[[' })).variables).toEqual({});
  });

  test('Go: the environment, then what go env -w wrote; the login of a private host', async () => {
    const settings = await settingsOf(
      'go',
      {
        '.config/go/env': 'GOPROXY=https://goproxy.example,direct\nGOPRIVATE=*.corp.example/team\nGOBIN=/x\n',
        '.netrc': 'machine git.corp.example login a password b\nmachine github.com login c password d\n',
      },
      { GOPROXY: 'https://env.example|direct' },
    );
    expect(settings).toEqual({
      variables: { GOPROXY: 'https://env.example|direct', GOPRIVATE: '*.corp.example/team' },
      proxies: {},
      indexes: ['https://env.example', '*.corp.example/team'],
      files: { netrc: 'machine git.corp.example\nlogin a\npassword b\n' },
    });
  });

  test.each<[string, Record<string, string>, Record<string, string>, Record<string, string>]>([
    [
      'both spellings are given, whichever was found',
      {},
      { https_proxy: 'http://proxy.example:3128', NO_PROXY: 'corp.example' },
      {
        HTTPS_PROXY: 'http://proxy.example:3128',
        https_proxy: 'http://proxy.example:3128',
        NO_PROXY: 'corp.example',
        no_proxy: 'corp.example',
      },
    ],
    [
      'a proxy on the loopback is of no use to a container',
      {},
      { HTTP_PROXY: 'http://u:p@127.0.0.1:3128', NO_PROXY: 'x' },
      {},
    ],
    [
      'a proxy whose name only begins like a loopback address',
      {},
      { HTTP_PROXY: 'http://127.evil.example:3128' },
      { HTTP_PROXY: 'http://127.evil.example:3128', http_proxy: 'http://127.evil.example:3128' },
    ],
    ['without a proxy nothing is exempt from it', {}, { NO_PROXY: 'x' }, {}],
    [
      "Docker's configuration",
      { '.docker/config.json': '{"proxies":{"default":{"httpProxy":"http://d.example:1"}}}' },
      {},
      { HTTP_PROXY: 'http://d.example:1', http_proxy: 'http://d.example:1' },
    ],
    ['a broken configuration of Docker', { '.docker/config.json': '{' }, {}, {}],
  ])('proxies: %s', async (_, files, env, expected) => {
    expect((await settingsOf('npx', files, env)).proxies).toEqual(expected);
  });
});
