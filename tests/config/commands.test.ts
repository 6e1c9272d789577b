import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWorld, type World } from '../harness/world.ts';

const configOf = (world: World) => join(world.folder, 'config/toolhive/config.yaml');
const config = (world: World, ...args: readonly string[]) => world.thv(['config', ...args]);
const said = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' });
const refused = (reason: string) => ({ exitCode: 1, stdout: '', stderr: `Error: ${reason}\n` });

/** A session of commands, each with what it says; what begins with `!` is the error. */
async function session(steps: readonly (readonly [command: string, says: string])[]): Promise<void> {
  await using world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PASSWORD: 'pw' } });
  for (const [command, says] of steps) {
    const result = await config(world, ...command.split(' ').map((word) => word.replaceAll('_', ' ')));
    expect([command, result]).toEqual([
      command,
      says.startsWith('!') ? refused(says.slice(1)) : said(says === '' ? '' : `${says}\n`),
    ]);
  }
}

describe('otel', () => {
  test('endpoint', () =>
    session([
      ['otel get-endpoint', 'No OpenTelemetry endpoint is currently configured.'],
      ['otel unset-endpoint', 'No OpenTelemetry endpoint is currently configured.'],
      ['otel set-endpoint localhost:4318', 'Successfully set OpenTelemetry endpoint: localhost:4318'],
      ['otel get-endpoint', 'Current OpenTelemetry endpoint: localhost:4318'],
      ['otel get-insecure', 'Current OpenTelemetry insecure transport: false'],
      ['otel set-endpoint http://h:1/v', 'Successfully set OpenTelemetry endpoint: h:1/v'],
      ['otel get-insecure', 'Current OpenTelemetry insecure transport: true'],
      ['otel set-endpoint h:2', 'Successfully set OpenTelemetry endpoint: h:2'],
      ['otel get-insecure', 'Current OpenTelemetry insecure transport: true'],
      ['otel set-endpoint HTTPS://h:3', 'Successfully set OpenTelemetry endpoint: h:3'],
      ['otel get-insecure', 'Current OpenTelemetry insecure transport: false'],
      ['otel get-endpoint --format json', '{\n  "endpoint": "h:3"\n}'],
      ['otel unset-endpoint', 'Successfully removed OpenTelemetry endpoint configuration.'],
      ['otel get-endpoint --format json', '{\n  "endpoint": null\n}'],
      ['otel set-endpoint http://', '!invalid OpenTelemetry endpoint: "http://" (expected host[:port])'],
      ['otel set-endpoint a_b', '!invalid OpenTelemetry endpoint: "a b" (expected host[:port])'],
      ['otel set-endpoint h:x', '!invalid OpenTelemetry endpoint: "h:x" (expected host[:port])'],
    ]));

  test('sampling rate', () =>
    session([
      ['otel get-sampling-rate', 'No OpenTelemetry sampling rate is currently configured.'],
      ['otel set-sampling-rate 0.1', 'Successfully set OpenTelemetry sampling rate: 0.100000'],
      ['otel get-sampling-rate', 'Current OpenTelemetry sampling rate: 0.100000'],
      ['otel set-sampling-rate 1', 'Successfully set OpenTelemetry sampling rate: 1.000000'],
      ['otel set-sampling-rate 1.1', '!sampling rate must be between 0.0 and 1.0'],
      ['otel get-sampling-rate --format json', '{\n  "sampling-rate": 1\n}'],
      [
        'otel set-sampling-rate a',
        '!invalid sampling rate format: strconv.ParseFloat: parsing "a": invalid syntax',
      ],
      ['otel set-sampling-rate 0', 'Successfully set OpenTelemetry sampling rate: 0.000000'],
      ['otel get-sampling-rate', 'No OpenTelemetry sampling rate is currently configured.'],
      ['otel unset-sampling-rate', 'No OpenTelemetry sampling rate is currently configured.'],
    ]));

  test('environment variables', () =>
    session([
      ['otel get-env-vars', 'No OpenTelemetry environment variables are currently configured.'],
      ['otel set-env-vars A,_B,', 'Successfully set OpenTelemetry environment variables: [A B]'],
      ['otel get-env-vars', 'Current OpenTelemetry environment variables: [A B]'],
      ['otel unset-env-vars', 'Successfully removed OpenTelemetry environment variables configuration.'],
      ['otel unset-env-vars', 'No OpenTelemetry environment variables are currently configured.'],
      ['otel set-env-vars ,', '!at least one environment variable must be named'],
    ]));

  test.each(['metrics', 'tracing'])('%s', (signal) =>
    session([
      [`otel get-${signal}-enabled`, `Current OpenTelemetry ${signal} enabled: true`],
      [`otel unset-${signal}-enabled`, `OpenTelemetry ${signal} enabled is not configured.`],
      [`otel set-${signal}-enabled F`, `Successfully set OpenTelemetry ${signal} enabled: false`],
      [`otel get-${signal}-enabled`, `Current OpenTelemetry ${signal} enabled: false`],
      [`otel unset-${signal}-enabled`, `Successfully unset OpenTelemetry ${signal} enabled configuration.`],
      [`otel get-${signal}-enabled --format json`, `{\n  "${signal}-enabled": true\n}`],
      [
        `otel set-${signal}-enabled yes`,
        `!invalid boolean value for ${signal} enabled flag: strconv.ParseBool: parsing "yes": invalid syntax`,
      ],
    ]),
  );

  test('insecure transport and the metrics path', () =>
    session([
      ['otel unset-insecure', 'OpenTelemetry insecure transport is already disabled.'],
      ['otel set-insecure 1', 'Successfully set OpenTelemetry insecure transport: true'],
      ['otel get-insecure', 'Current OpenTelemetry insecure transport: true'],
      ['otel unset-insecure', 'Successfully disabled OpenTelemetry insecure transport configuration.'],
      ['otel get-enable-prometheus-metrics-path', 'Current Prometheus metrics path flag: false'],
      ['otel set-enable-prometheus-metrics-path t', 'Successfully set Prometheus metrics path: true'],
      ['otel get-enable-prometheus-metrics-path', 'Current Prometheus metrics path flag: true'],
      [
        'otel unset-enable-prometheus-metrics-path',
        'Successfully disabled the Prometheus metrics path configuration.',
      ],
      ['otel unset-enable-prometheus-metrics-path', 'Prometheus metrics path is already disabled.'],
      [
        'otel set-enable-prometheus-metrics-path x',
        '!invalid boolean value for Prometheus metrics path flag: strconv.ParseBool: parsing "x": invalid syntax',
      ],
    ]));

  test('once there is a block, its three-way switches are in it', async () => {
    await using world = await openWorld(undefined);
    await world.ok(['config', 'otel', 'set-endpoint', 'h:1']);
    expect(await readFile(configOf(world), 'utf8')).toEndWith(
      'otel:\n    metrics-enabled: null\n    tracing-enabled: null\n    use-legacy-attributes: null\n    endpoint: h:1\n',
    );
  });

  test('twenty commands at once all take effect', async () => {
    await using world = await openWorld(undefined);
    const names = Array.from({ length: 20 }, (_, index) => `V${index}`);
    await Promise.all(names.map((name) => world.ok(['config', 'set-build-env', name, 'x'])));
    await world.ok(['config', 'otel', 'set-endpoint', 'h:1']);
    const variables = JSON.parse(await world.ok(['config', 'get-build-env', '--format', 'json']));
    expect(Object.keys(variables).sort()).toEqual(names.sort());
  }, 60_000);
});

describe('build variables', () => {
  const literal = 'failed to set build environment variable';

  test('literals and the shell', () =>
    session([
      ['get-build-env', 'No build environment variables are configured.'],
      ['set-build-env B 2', ''],
      ['set-build-env A --from-env', ''],
      ['set-build-env A --from-env', ''],
      ['get-build-env', 'Configured build environment variables:\n  A=<from-env>\n  B=2'],
      ['get-build-env B', 'B=2'],
      ['get-build-env C', 'Build environment variable C is not configured.'],
      [
        'set-build-env b 1',
        `!${literal}: invalid environment variable name: b (must match pattern ^[A-Z][A-Z0-9_]*$)`,
      ],
      [
        'set-build-env HOME 1',
        `!${literal}: environment variable name HOME is reserved and cannot be overridden`,
      ],
      [
        'set-build-env C a;b',
        `!${literal}: environment variable value contains potentially dangerous characters: contains ';'`,
      ],
      [
        'set-build-env B 3',
        `!${literal}: key B already configured as literal value; unset it first with 'thv config unset-build-env B'`,
      ],
      [
        'set-build-env B --from-env',
        `!${literal} from shell: key B already configured as literal value; unset it first with 'thv config unset-build-env B'`,
      ],
      ['set-build-env A 1', `!${literal}: key A already configured from shell; unset it first`],
      ['set-build-env C', '!value is required when not using --from-secret or --from-env'],
      ['set-build-env C --from-secret', '!secret name is required when using --from-secret'],
      ['set-build-env C x --from-env', '!value argument should not be provided when using --from-env'],
      [
        'set-build-env C x --from-env --from-secret',
        '!if any flags in the group [from-secret from-env] are set none of the others can be; [from-env from-secret] were all set',
      ],
      ['unset-build-env', '!please specify a KEY to remove or use --all to remove all variables'],
      ['unset-build-env C', 'Build environment variable C is not configured.'],
      ['unset-build-env A', ''],
      ['get-build-env', 'Configured build environment variables:\n  B=2'],
      ['unset-build-env --all', ''],
      ['get-build-env', 'No build environment variables are configured.'],
    ]));

  test('from a secret, which must be there', async () => {
    await using world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PASSWORD: 'pw' } });
    expect((await config(world, 'set-build-env', 'C', 's', '--from-secret')).stderr).toStartWith(
      'Error: failed to validate secret: failed to create secrets manager: secrets provider not configured.',
    );
    await world.ok(['secret', 'provider', 'encrypted']);
    expect((await config(world, 'set-build-env', 'C', 's', '--from-secret')).stderr).toStartWith(
      "Error: failed to validate secret: secret 's' not found or inaccessible: secret not found: s",
    );
    await world.ok(['secret', 'set', 's'], { stdin: 'value' });
    expect(await config(world, 'set-build-env', 'C', 's', '--from-secret')).toEqual(said(''));
    expect(await config(world, 'get-build-env', 'C')).toEqual(said('C=<from-secret:s>\n'));
    expect((await config(world, 'set-build-env', 'C', '1')).stderr).toBe(
      `Error: ${literal}: key C already configured from secret; unset it first\n`,
    );
  });
});

describe('build auth files', () => {
  test('arguments that make no sense', () =>
    session([
      ['get-build-auth-file', 'No build auth files are configured.'],
      ['get-build-auth-file npmrc', 'Build auth file npmrc is not configured.'],
      [
        'set-build-auth-file pip x',
        '!unsupported auth file type "pip"; supported types: npmrc, netrc, yarnrc',
      ],
      ['set-build-auth-file npmrc', '!content argument required (or use --stdin to read from stdin)'],
      [
        'set-build-auth-file npmrc --stdin',
        '!no input provided on stdin (pipe content or redirect from a file)',
      ],
      ['unset-build-auth-file', '!please specify a file name or use --all'],
      ['unset-build-auth-file npmrc', 'Build auth file npmrc is not configured.'],
      ['unset-build-auth-file --all', ''],
    ]));

  test('content is a secret, the configuration has a marker', async () => {
    await using world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PASSWORD: 'pw' } });
    await world.ok(['secret', 'provider', 'encrypted']);
    await world.ok(['config', 'set-build-auth-file', 'netrc', 'machine h']);
    await world.ok(['config', 'set-build-auth-file', 'npmrc', '--stdin'], { stdin: '//r/:_authToken=t\n\n' });
    expect(await readFile(configOf(world), 'utf8')).toEndWith(
      'build_auth_files:\n    netrc: secret:BUILD_AUTH_FILE_netrc\n    npmrc: secret:BUILD_AUTH_FILE_npmrc\n',
    );
    expect(await config(world, 'get-build-auth-file')).toEqual(
      said(
        'Configured build auth files:\n  netrc: configured -> /root/.netrc\n  npmrc: configured -> /root/.npmrc\n',
      ),
    );
    expect(await config(world, 'get-build-auth-file', 'npmrc', '--show-content')).toEqual(
      said('npmrc: 2 line(s) -> /root/.npmrc\nContent:\n//r/:_authToken=t\n\n'),
    );
    expect(await config(world, 'unset-build-auth-file', '--all')).toEqual(said(''));
    expect(await config(world, 'get-build-auth-file')).toEqual(said('No build auth files are configured.\n'));
    expect(await world.ok(['secret', 'list', '--system'])).toBe('No system-managed secrets found\n');
  });
});

describe('the CA certificate', () => {
  /** Valid until 2126; `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test`. */
  const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUW2nYv9xr4I5Hj9ec3SETMtrNE7QwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjQ5NDJaGA8yMTI2MTAyODA2NDk0
MlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGcf
N1ozekmQgZlaok2ZBf3u/0sWBZ70wHVH2QRicSaaJHXBt1RjYsSHTz/f6PqqEU2Z
SCYms9GheS4ZUbWt8A+jUzBRMB0GA1UdDgQWBBTEqBXWTOAUH2TTXu/QuK+a3vg3
KzAfBgNVHSMEGDAWgBTEqBXWTOAUH2TTXu/QuK+a3vg3KzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIAkfeke85DjWk5gSSJOUmkBDbufix2t5NP1N
aIbnkVpxAiAemqSmI/khYLkoV10fLo/ZkWywrjZRL0lwz1/eKb6Uaw==
-----END CERTIFICATE-----
`;

  test('is checked, kept as given, shown and forgotten', async () => {
    expect(new X509Certificate(CERTIFICATE).ca).toBe(true);
    await using world = await openWorld(undefined);
    const path = join(world.work, 'ca.pem');
    await writeFile(path, `some words\n${CERTIFICATE}`);
    expect(await config(world, 'get-ca-cert')).toEqual(said('No CA certificate is currently configured.\n'));
    expect(await config(world, 'set-ca-cert', './x/../ca.pem')).toEqual(said(''));
    expect(await config(world, 'get-ca-cert')).toEqual(said('Current CA certificate path: ca.pem\n'));
    await rm(path);
    expect(await config(world, 'get-ca-cert')).toEqual(
      said(
        'Current CA certificate path: ca.pem\nWarning: The configured CA certificate file is not accessible\n',
      ),
    );
    expect(await config(world, 'unset-ca-cert')).toEqual(said(''));
    expect(await config(world, 'unset-ca-cert')).toEqual(
      said('No CA certificate is currently configured.\n'),
    );
  });

  test.each([
    ['text', 'no certificate', 'no PEM data found in certificate file'],
    ['nothing', '', 'no PEM data found in certificate file'],
    [
      'a key',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      'PEM block is not a certificate (found: PRIVATE KEY)',
    ],
    [
      'rubbish',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'failed to parse certificate: ',
    ],
  ])('%s is none', async (_, content, reason) => {
    await using world = await openWorld(undefined);
    await writeFile(join(world.work, 'ca.pem'), content);
    expect((await config(world, 'set-ca-cert', 'ca.pem')).stderr).toStartWith(
      `Error: invalid CA certificate: ${reason}`,
    );
    expect(await config(world, 'get-ca-cert')).toEqual(said('No CA certificate is currently configured.\n'));
  });

  test('a file that is not there is named', async () => {
    await using world = await openWorld(undefined);
    expect((await config(world, 'set-ca-cert', 'none.pem')).stderr).toBe(
      "Error: CA certificate file not found or not accessible: ENOENT: no such file or directory, open 'none.pem'\n",
    );
  });
});

test('usage metrics are allowed or forbidden', async () => {
  await using world = await openWorld(undefined);
  expect(await config(world, 'usage-metrics', 'disable')).toEqual(said(''));
  expect(await readFile(configOf(world), 'utf8')).toContain('disable_usage_metrics: true\n');
  expect(await config(world, 'usage-metrics', 'enable')).toEqual(said(''));
  expect(await readFile(configOf(world), 'utf8')).not.toContain('disable_usage_metrics');
  expect(await config(world, 'usage-metrics', 'on')).toEqual(
    refused("invalid argument: on (expected 'enable' or 'disable')"),
  );
});

test('image keys: several for one name, replaced, removed, and what is no key is refused with its file', async () => {
  await using world = await openWorld(undefined);
  const keys = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const pem = keys.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }).toString());
  for (const [index, text] of pem.entries()) await writeFile(join(world.work, `${index}.pub`), text);
  await writeFile(
    join(world.work, 'private.key'),
    keys[0]?.privateKey.export({ type: 'pkcs8', format: 'pem' }) ?? '',
  );
  const stored = async () => JSON.parse(await world.ok(['config', 'get-image-key', '--format', 'json']));

  expect(await config(world, 'get-image-key')).toEqual(said('No image keys are configured.\n'));
  await world.ok(['config', 'set-image-key', 'registry.example.com/team/', '0.pub', '1.pub', '0.pub']);
  await world.ok(['config', 'set-image-key', 'team/', '1.pub']);
  expect(await stored()).toEqual({ 'registry.example.com/team/': pem, 'docker.io/team/': [pem[1]] });
  expect(await world.ok(['config', 'get-image-key', 'docker.io/team/'])).toMatch(
    /^docker\.io\/team\/\n {2}ec SHA256:[0-9a-f]{64}\n$/,
  );
  await world.ok(['config', 'set-image-key', 'registry.example.com/team/', '1.pub']);
  expect(await stored()).toMatchObject({ 'registry.example.com/team/': [pem[1]] });

  for (const [args, reason] of [
    [['a/b:1', '0.pub'], 'invalid images "a/b:1": it has a tag or a digest, and keys are for repositories'],
    [['a/b', 'private.key'], 'invalid public key private.key: it is a private key'],
    [['a/b', 'none.pub'], 'public key file not found or not accessible: '],
    [['a/b'], 'accepts between 2 and 100 arg(s), received 1'],
  ] as const) {
    const { exitCode, stderr } = await config(world, 'set-image-key', ...args);
    expect({ exitCode, said: stderr.includes(reason), stderr }).toMatchObject({ exitCode: 1, said: true });
  }
  expect(Object.keys(await stored())).toHaveLength(2);

  expect(await config(world, 'unset-image-key', 'other/')).toEqual(
    said('No image keys are configured for docker.io/other/.\n'),
  );
  await world.ok(['config', 'unset-image-key', 'team/']);
  expect(Object.keys(await stored())).toEqual(['registry.example.com/team/']);
  await world.ok(['config', 'unset-image-key', '--all']);
  expect(await readFile(configOf(world), 'utf8')).not.toContain('image_keys');
});
