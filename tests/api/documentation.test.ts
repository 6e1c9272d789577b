import { describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findChromium, visit } from '../harness/browser.ts';
import { openWorld } from '../harness/world.ts';
import { bareApi, describeApi } from './in-process.ts';
import { startApi } from './server.ts';

const chromium = findChromium();
if (chromium === undefined)
  process.stderr.write('SKIPPED the docs page in a browser: there is no Chromium\n');

test('without --openapi there are neither document nor page', async () => {
  await using world = await openWorld(undefined);
  const server = world.start(['serve', '--socket', join(world.folder, 's')]);
  for (const path of ['/api/openapi.json', '/api/doc', '/api/doc/viewer.js', '/api/doc/page.js']) {
    const { status } = await waitForAnswer(join(world.folder, 's'), path);
    expect(status).toBe(404);
  }
  server.signal('SIGTERM');
  await server.finished();
});

describe('the document', () => {
  test('lists every route and no other', async () => {
    const { paths } = await describeApi();
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = bareApi()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      .filter((route) => !/ \/api\/(?:doc|openapi\.json)/.test(route));
    expect(documented.sort()).toEqual([...new Set(served)].sort());
    expect(documented.length).toBeGreaterThan(40);
  });

  test('is OpenAPI 3.1 with the facts that clients of the reference know', async () => {
    const document = (await describeApi()) as unknown as Record<string, unknown>;
    expect(document['openapi']).toBe('3.1.0');
    expect(document['info']).toEqual({
      title: 'ToolHive API',
      description: 'This is the ToolHive API server.',
      version: '1.0',
    });
    expect(Object.keys(document)).not.toContain('servers');
    const text = JSON.stringify(document);
    expect(text).not.toContain('operationId');
    expect(text).not.toContain('securitySchemes');
  });

  test('has the component names that generated clients were made from', async () => {
    const { components } = await describeApi();
    const names = Object.keys(components.schemas);
    for (const name of NAMES) expect(names).toContain(name);
  });

  test('lints clean', async () => {
    await using world = await openWorld(undefined);
    await using api = await startApi(world);
    await writeFile(
      join(world.work, 'openapi.json'),
      await (await fetch(`${api.url}/api/openapi.json`)).text(),
    );
    // Spec 10 §8 asks for a document without servers, security schemes, operation ids; nothing is said of a
    // license, and two routes of §16.3 never succeed.
    await writeFile(
      join(world.work, 'redocly.yaml'),
      'extends: [recommended]\nrules: {no-empty-servers: off, security-defined: off, operation-operationId: off, info-license: off, operation-2xx-response: off}\n',
    );
    const redocly = join(import.meta.dir, '..', '..', 'node_modules', '.bin', 'redocly');
    const lint = Bun.spawn([redocly, 'lint', 'openapi.json', '--format', 'json'], {
      cwd: world.work,
      env: {
        ...process.env,
        HOME: world.home,
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
      },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr] = await Promise.all([
      new Response(lint.stdout).text(),
      new Response(lint.stderr).text(),
    ]);
    await lint.exited;
    const start = stdout.indexOf('{');
    if (start < 0) throw new Error(`redocly says nothing: ${stdout}${stderr}`);
    const { totals, problems } = JSON.parse(stdout.slice(start));
    expect(
      problems.map(
        ({ message, location }: { message: string; location: { pointer?: string }[] }) =>
          `${location[0]?.pointer}: ${message}`,
      ),
    ).toEqual([]);
    expect(totals).toMatchObject({ errors: 0, warnings: 0 });
  });
});

describe('the page', () => {
  test('loads nothing from elsewhere, and no browser would let it', async () => {
    await using world = await openWorld(undefined);
    await using api = await startApi(world);
    const { headers, text } = await api.ask('GET', '/api/doc');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(text).toContain('<title>ToolHive API Reference</title>');
    expect(text).not.toMatch(/https?:\/\//);
    const viewer = await api.ask('GET', '/api/doc/viewer.js');
    expect(viewer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(viewer.text.length).toBeGreaterThan(1_000_000);
  });

  test.skipIf(chromium === undefined)(
    'shows the routes in Chromium, offline, and the console stays empty',
    async () => {
      await using world = await openWorld(undefined);
      await using api = await startApi(world);
      const { text, complaints, requested } = await visit(
        chromium ?? '',
        `${api.url}/api/doc`,
        (seen) =>
          seen.includes('Tells whether the container engine answers') && seen.includes('/api/v1beta/version'),
      );
      expect(text).toContain('ToolHive API');
      expect(complaints).toEqual([]);
      expect(requested.filter((url) => !url.startsWith(api.url) && !url.startsWith('data:'))).toEqual([]);
    },
    120_000,
  );
});

async function waitForAnswer(socket: string, path: string): Promise<Response> {
  const { waitFor } = await import('../harness/wait-for.ts');
  return waitFor(
    () => fetch(`http://localhost${path}`, { unix: socket }),
    () => true,
    { what: `${socket} answers` },
  );
}

const NAMES =
  `core.Workload pkg_api_v1.createRequest pkg_api_v1.updateRequest pkg_api_v1.createWorkloadResponse
  pkg_api_v1.workloadListResponse pkg_api_v1.workloadStatusResponse pkg_api_v1.bulkOperationRequest
  pkg_api_v1.toolOverride pkg_api_v1.oidcOptions pkg_api_v1.remoteOAuthConfig pkg_api_v1.headerForwardConfig
  pkg_api_v1.groupListResponse pkg_api_v1.createGroupRequest pkg_api_v1.createGroupResponse
  pkg_api_v1.createClientRequest pkg_api_v1.createClientResponse pkg_api_v1.bulkClientRequest
  pkg_api_v1.clientStatusResponse pkg_api_v1.registryInfo pkg_api_v1.registryListResponse
  pkg_api_v1.getRegistryResponse pkg_api_v1.listServersResponse pkg_api_v1.getServerResponse
  pkg_api_v1.UpdateRegistryRequest pkg_api_v1.UpdateRegistryAuthRequest pkg_api_v1.UpdateRegistryResponse
  pkg_api_v1.registryErrorResponse pkg_api_v1.serversV01Response pkg_api_v1.paginationV01Metadata
  pkg_api_v1.setupSecretsRequest pkg_api_v1.setupSecretsResponse pkg_api_v1.getSecretsProviderResponse
  pkg_api_v1.providerCapabilitiesResponse pkg_api_v1.listSecretsResponse pkg_api_v1.secretKeyResponse
  pkg_api_v1.createSecretRequest pkg_api_v1.createSecretResponse pkg_api_v1.updateSecretRequest
  pkg_api_v1.updateSecretResponse pkg_api_v1.versionResponse github_com_stacklok_toolhive_pkg_groups.Group
  github_com_stacklok_toolhive_pkg_client.ClientAppStatus pkg_api_v1.upgradeRequest pkg_api_v1.upgradeCheckResponse
  pkg_api_v1.upgradeCheckBulkResponse github_com_stacklok_toolhive_pkg_workloads_upgrade.CheckResult`.split(
    /\s+/,
  );
