import { describe, expect, test } from 'bun:test';
import { createConfigStore } from '../../src/config/index.ts';
import { findFreePort } from '../../src/platform/index.ts';
import { createRegistry, loginToRegistry, logoutFromRegistry } from '../../src/registry/index.ts';
import { openSecretsStore } from '../../src/secrets/index.ts';
import { followInBrowser, type Issuer, startIssuer } from './issuer.ts';
import { startRegistryServer } from './registry-server.ts';
import { openWorld } from './world.ts';

interface LoginOptions {
  readonly accessTokenSeconds?: number;
  readonly issuerUrl?: (issuer: Issuer) => string;
}

/** A registry that wants a bearer token, an issuer, and a home where both are configured. */
async function openLogin({ accessTokenSeconds = 3600, issuerUrl = ({ url }) => url }: LoginOptions = {}) {
  const issuer = await startIssuer({ accessTokenSeconds });
  const server = startRegistryServer();
  server.intercept = (request) =>
    request.headers.get('authorization')?.startsWith('Bearer ') === true
      ? undefined
      : new Response('', { status: 401 });
  const world = await openWorld({
    registry_api_url: server.url,
    allow_private_registry_ip: true,
    secrets: { provider_type: 'encrypted', setup_completed: true },
    registry_auth: {
      type: 'oauth',
      oauth: {
        issuer: issuerUrl(issuer),
        client_id: 'thv',
        scopes: ['openid', 'registry'],
        audience: 'the-registry',
        callback_port: await findFreePort(),
      },
    },
  });
  const deps = { ...world, env: { ...world.env, TOOLHIVE_SECRETS_PASSWORD: 'pw' } };
  const announced: string[] = [];
  const pages: string[] = [];
  return {
    issuer,
    server,
    world,
    deps,
    announced,
    pages,
    open: () => createRegistry(deps),
    login: (browse?: (url: string) => Promise<boolean>, signal?: AbortSignal) =>
      loginToRegistry(
        { allowPrivateAddress: true },
        {
          ...deps,
          signal,
          announce: (line) => announced.push(line),
          browse:
            browse ??
            (async (url) => {
              void followInBrowser(url).then(({ page }) => pages.push(page));
              return true;
            }),
        },
      ),
    secretNames: async () => (await (await openSecretsStore(deps)).list()).map(({ key }) => key).toSorted(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describe('logging in', () => {
  test('opens the browser, and the registry is reached with the token', async () => {
    await using it = await openLogin();
    await it.login();
    expect((await it.open().list()).entries).toHaveLength(1);
    expect(it.server.authorizations.every((value) => value?.startsWith('Bearer '))).toBe(true);
    // No probe where there is a login.
    expect(it.server.requests).toEqual(['/v0.1/servers?limit=100&version=latest']);
    const [query] = it.issuer.authorizations;
    expect(Object.fromEntries(query ?? [])).toMatchObject({
      audience: 'the-registry',
      client_id: 'thv',
      code_challenge_method: 'S256',
      response_type: 'code',
      scope: 'openid registry',
    });
    expect([...(query?.keys() ?? [])]).toEqual([...(query?.keys() ?? [])].toSorted());
    expect(query?.get('state')).toMatch(/^[\w-]{22}$/);
    expect(it.announced[0]).toStartWith(`Opening browser: ${it.issuer.url}/auth?`);
    expect(it.pages[0]).toContain('<h1>Authentication Successful!</h1>');
  });

  test('is remembered: the token is in the secrets store and noted in the configuration', async () => {
    await using it = await openLogin();
    await it.login();
    const hash = new Bun.CryptoHasher('sha256')
      .update(`${it.server.url}\0${it.issuer.url}`)
      .digest('hex')
      .slice(0, 8);
    expect(await it.secretNames()).toEqual([
      `__thv_registry_REGISTRY_OAUTH_${hash}`,
      `__thv_registry_REGISTRY_OAUTH_${hash}_AT`,
    ]);
    const { registry_auth } = await createConfigStore(it.world.paths).read();
    expect(registry_auth?.oauth?.cached_refresh_token_ref).toBe(`REGISTRY_OAUTH_${hash}`);
    expect(registry_auth?.oauth?.cached_token_expiry).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const before = it.issuer.requests.length;
    await it.login();
    await it.open().list();
    expect(it.issuer.requests).toHaveLength(before);
  });

  test('is renewed with the refresh token, which is a new one each time', async () => {
    // Ends within the 30 s in which a token counts as old.
    await using it = await openLogin({ accessTokenSeconds: 20 });
    await it.login();
    await it.open().list({ refresh: true });
    await it.open().list({ refresh: true });
    expect(it.issuer.requests.filter((request) => request === 'POST /token')).toHaveLength(3);
    expect(it.issuer.authorizations).toHaveLength(1);
    expect(new Set(it.server.authorizations).size).toBe(2);
  });

  test('is renewed by one process after the other: a refresh token used twice would end it', async () => {
    await using it = await openLogin({ accessTokenSeconds: 20 });
    await it.login();
    await Promise.all(Array.from({ length: 5 }, () => it.open().list({ refresh: true })));
    expect(it.issuer.requests.filter((request) => request === 'POST /token')).toHaveLength(6);
    expect(it.issuer.authorizations).toHaveLength(1);
  });

  test('that ended for good is an error, also where an old list is at hand', async () => {
    await using it = await openLogin({ accessTokenSeconds: 20 });
    await it.login();
    await it.open().list();
    it.issuer.revokeAll();
    await expect(it.open().list({ refresh: true })).rejects.toThrow(
      "failed to refresh token: invalid_grant - it was revoked: registry authentication required: run 'thv registry login' to authenticate",
    );
  });

  test('is asked for when nobody has logged in, without a browser', async () => {
    await using it = await openLogin();
    await expect(it.open().list()).rejects.toThrow(
      /^registry authentication required: run 'thv registry login' to authenticate$/,
    );
    expect(it.issuer.requests).toEqual([]);
  });
});

describe('a login that does not come to an end', () => {
  const visit = (url: string, query: string) => {
    const redirect = new URL(url).searchParams.get('redirect_uri');
    return fetch(`${redirect}?${query}`);
  };
  const stateOf = (url: string) => new URL(url).searchParams.get('state');

  test('refused by the person', async () => {
    await using it = await openLogin();
    const denied = it.login(async (url) => {
      const page = await visit(url, `state=${stateOf(url)}&error=access_denied&error_description=%3Cno%3E`);
      expect(page.status).toBe(400);
      expect(await page.text()).toContain('OAuth error: access_denied - &lt;no&gt;');
      return true;
    });
    await expect(denied).rejects.toThrow('OAuth flow failed: OAuth error: access_denied - <no>');
    expect(await it.secretNames()).toEqual([]);
  });

  test('a callback of somebody else neither ends nor spoils it', async () => {
    await using it = await openLogin();
    await it.login(async (url) => {
      const forged = await visit(url, 'state=wrong&error=evil&error_description=words');
      expect([forged.status, (await forged.text()).includes('words')]).toEqual([400, false]);
      expect((await visit(url, 'code=x')).status).toBe(400);
      void followInBrowser(url);
      return true;
    });
    expect(await it.secretNames()).toHaveLength(2);
  });

  test('a code that the issuer does not know', async () => {
    await using it = await openLogin();
    const login = it.login(async (url) => {
      await visit(url, `state=${stateOf(url)}&code=guessed&iss=${encodeURIComponent(it.issuer.url)}`);
      return true;
    });
    await expect(login).rejects.toThrow(
      'OAuth flow failed: failed to exchange code for token: invalid_grant',
    );
  });

  test('interrupted', async () => {
    await using it = await openLogin();
    const interruption = new AbortController();
    const login = it.login(async () => {
      interruption.abort();
      return true;
    }, interruption.signal);
    await expect(login).rejects.toThrow('OAuth flow interrupted by signal');
  });

  test('the callback port is taken', async () => {
    await using it = await openLogin();
    const port = (await createConfigStore(it.world.paths).read()).registry_auth?.oauth?.callback_port ?? 0;
    const other = Bun.serve({ hostname: '127.0.0.1', port, fetch: () => new Response('') });
    await expect(it.login()).rejects.toThrow(`failed to start callback server: port ${port}: `);
    await other.stop(true);
  });

  test('without a browser the person is told what to open', async () => {
    await using it = await openLogin();
    await it.login(async (url) => {
      void followInBrowser(url);
      return false;
    });
    expect(it.announced[1]).toStartWith(
      `Please manually open this URL in your browser: ${it.issuer.url}/auth?`,
    );
  });

  test('an issuer that is neither https nor on this machine', async () => {
    await using it = await openLogin({ issuerUrl: () => 'http://issuer.example' });
    await expect(it.login()).rejects.toThrow(
      'invalid issuer URL: http://issuer.example: must be https, or http on localhost',
    );
  });
});

describe('logging out', () => {
  test('forgets tokens and what was cached; the settings stay', async () => {
    await using it = await openLogin();
    await it.login();
    await it.open().list();
    expect(await it.world.cacheFiles()).toHaveLength(1);
    await logoutFromRegistry(it.deps);
    expect(await it.secretNames()).toEqual([]);
    expect(await it.world.cacheFiles()).toEqual([]);
    const { registry_auth } = await createConfigStore(it.world.paths).read();
    expect(registry_auth?.oauth).toMatchObject({ issuer: it.issuer.url, client_id: 'thv' });
    expect(registry_auth?.oauth?.cached_refresh_token_ref).toBeUndefined();
    await expect(it.open().list()).rejects.toThrow('registry authentication required');
  });

  test('leaves secrets of others alone', async () => {
    await using it = await openLogin();
    await it.login();
    await (await openSecretsStore(it.deps)).set('mine', 'value');
    await logoutFromRegistry(it.deps);
    expect(await it.secretNames()).toEqual(['mine']);
  });

  test('where no login is set up is an error', async () => {
    await using world = await openWorld();
    await expect(logoutFromRegistry(world)).rejects.toThrow(
      "registry OAuth authentication is not configured; run 'thv registry login' first: registry authentication required: run 'thv registry login' to authenticate",
    );
  });
});
