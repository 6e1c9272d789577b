import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Identity } from '../../oidc/index.ts';
import { silentLogger } from '../../platform/index.ts';
import { openAuthorizer, parseAuthzConfig } from '../index.ts';
import type { AccessRequest } from '../types.ts';

let server: Bun.Server<undefined>;
let asked: { readonly path: string; readonly body: unknown }[];
let answer: () => Response | Promise<Response>;
beforeAll(() => {
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      asked.push({ path: new URL(request.url).pathname, body: await request.json() });
      return answer();
    },
  });
});
afterAll(() => server.stop(true));
beforeEach(() => {
  asked = [];
  answer = () => Response.json({ allow: true });
});

const CLAIMS = { sub: 'u', roles: ['dev'], groups: ['eng'], scope: 'a b', clearance: 2, secret: 'x' };
const REQUEST: AccessRequest = {
  identity: { kind: 'oidc', subject: 'u', claims: CLAIMS } as unknown as Identity,
  feature: 'tool',
  id: 'weather',
  arguments: { q: 1 },
  annotations: { readOnlyHint: true },
};

async function decide(
  settings: Record<string, unknown> = {},
  request = REQUEST,
  url = `http://127.0.0.1:${server.port}/base/`,
) {
  const pdp = { claim_mapping: 'standard', ...settings, http: { url, ...(settings['http'] as object) } };
  using authorizer = await openAuthorizer(parseAuthzConfig({ version: '1', type: 'httpv1', pdp }), {
    workload: 'srv',
    env: {},
    log: silentLogger,
  });
  return await authorizer.decide(request);
}

describe('an HTTP decision point', () => {
  test('is asked for each decision, with what it is to know', async () => {
    const all = { context: { include_args: true, include_operation: true } };
    expect((await decide(all)).isAllowed).toBe(true);
    expect(asked).toEqual([
      {
        path: '/base/decision',
        body: {
          principal: { sub: 'u', roles: ['dev'], groups: ['eng'], scopes: 'a b' },
          operation: 'mcp:tool:call',
          resource: 'mrn:mcp:srv:tool:weather',
          context: {
            mcp: {
              feature: 'tool',
              operation: 'call',
              resource_id: 'weather',
              args: { q: 1 },
              annotations: { readOnlyHint: true },
            },
          },
        },
      },
    ]);
  });

  test.each<[string, object, AccessRequest, object]>([
    ['annotations are always told', {}, REQUEST, { mcp: { annotations: { readOnlyHint: true } } }],
    ['nothing else is', {}, { ...REQUEST, annotations: undefined }, {}],
    [
      'no arguments are none',
      { context: { include_args: true } },
      { ...REQUEST, annotations: {}, arguments: {} },
      {},
    ],
    ['a resource has no hints', {}, { ...REQUEST, feature: 'resource' }, {}],
  ])('%s', async (_, settings, request, context) => {
    await decide({ ...settings }, request);
    expect(asked[0]?.body).toMatchObject({ context });
    const [first] = asked as readonly { readonly body: { readonly context: object } }[];
    expect(Object.keys(first?.body.context ?? {})).toEqual(Object.keys(context));
  });

  test('the mpe mapping has names of its own', async () => {
    await decide({ claim_mapping: 'mpe' });
    expect(asked[0]?.body).toMatchObject({
      principal: { sub: 'u', mroles: ['dev'], mclearance: 2, mannotations: {} },
    });
  });

  test.each<[string, () => Response | Promise<Response>]>([
    ['no', () => Response.json({ allow: false })],
    ['nothing', () => Response.json({})],
    ['a text for yes', () => Response.json({ allow: 'true' })],
    ['yes with another status', () => Response.json({ allow: true }, { status: 201 })],
    ['no JSON', () => new Response('yes')],
    ['null', () => new Response('null')],
    ['a redirect', () => new Response(null, { status: 307, headers: { Location: '/decision' } })],
    ['an endless answer', () => new Response('{"allow":true,"x":"'.padEnd(2_000_000, 'x'))],
    ['never', () => new Promise<Response>(() => undefined)],
  ])('that answers %s refuses', async (_, reply) => {
    answer = reply;
    expect((await decide({ http: { timeout: 0.3 } })).isAllowed).toBe(false);
    expect(asked.length).toBe(1);
  });

  test('that is not there refuses, and so does a caller without a subject', async () => {
    const { isAllowed, errors } = await decide({}, REQUEST, 'http://127.0.0.1:1');
    expect([isAllowed, errors.join()]).toEqual([false, expect.stringContaining('gave no decision')]);
    expect((await decide({}, { ...REQUEST, identity: undefined })).isAllowed).toBe(false);
    expect(asked).toEqual([]);
  });
});
