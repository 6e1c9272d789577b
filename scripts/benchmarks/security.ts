import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { FIXTURE_IMAGE } from '../../tests/harness/images.ts';
import type { World } from '../../tests/harness/world.ts';
import { type Ground, hostOf, openHome } from './ground.ts';
import { applyLoad, describeLoad, type Load, processorUsOf, rateOf, sum, type Target } from './load.ts';
import { openUpstream } from './nginx.ts';
import { memoryOf } from './process-usage.ts';
import { atLeast, mb, type Row, us } from './table.ts';

const CONNECTIONS = 16;
const MIN_RATIO = 0.5;

/** Rules as a team has them: one matches the call, the others are for other tools. */
const POLICIES = [
  'permit(principal in THVGroup::"eng", action == Action::"call_tool", resource == Tool::"echo") when { principal.claim_email like "*@example.com" };',
  ...Array.from(
    { length: 20 },
    (_, index) =>
      `permit(principal, action, resource == Tool::"tool${index}") when { principal.claim_level == "high" };`,
  ),
  'forbid(principal, action, resource == Tool::"drop_db") unless { principal in THVGroup::"dba" };',
];

/** One HTTP server behind the proxy of one host: plain, with policies, with tokens and policies, and with audit on top. */
export async function benchSecurity(ground: Ground): Promise<readonly Row[]> {
  await using upstream = await openUpstream(ground, []);
  await using provider = await openProvider();
  await using home = await openHome(ground);
  const policies = join(home.work, 'policies.json');
  const cedar = { policies: POLICIES };
  await Bun.write(policies, JSON.stringify({ version: '1.0', type: 'cedarv1', cedar }));
  const audit = join(home.work, 'audit.json');
  await Bun.write(audit, JSON.stringify({ logFile: join(home.work, 'audit.log') }));
  const oidc = [
    '--oidc-issuer',
    provider.issuer,
    '--oidc-jwks-url',
    `${provider.issuer}/jwks`,
    '--oidc-audience',
    'bench',
  ];
  const allow = ['--oidc-insecure-allow-http', '--jwks-allow-private-ip'];
  const { token } = provider;

  const plain = await openTarget(home, upstream.port, 'plain', [], undefined);
  await applyLoad(ground, plain, { connections: CONNECTIONS, seconds: 2 });
  const before = await memoryOf(await hostOf(home));
  const guarded = [
    [
      'policies',
      await openTarget(home, upstream.port, 'cedar', ['--authz-config', policies, ...oidc, ...allow], token),
    ],
    [
      'the same with audit',
      await openTarget(
        home,
        upstream.port,
        'audited',
        ['--authz-config', policies, '--audit-config', audit, ...oidc, ...allow],
        token,
      ),
    ],
    ['tokens alone', await openTarget(home, upstream.port, 'tokens', [...oidc, ...allow], token)],
  ] as const;
  const after = await memoryOf(await hostOf(home));

  const loads = new Map<Target, Load[]>();
  for (let round = 0; round < ground.settings.rounds; round++)
    for (const target of [plain, ...guarded.map(([, one]) => one)]) {
      const load = await applyLoad(ground, target, {
        connections: CONNECTIONS,
        seconds: ground.settings.seconds,
      });
      loads.set(target, [...(loads.get(target) ?? []), load]);
    }
  const of = (target: Target) => sum(loads.get(target) ?? []);
  const usual = of(plain);
  return [
    ...guarded.flatMap(([what, target]): Row[] => {
      const load = of(target);
      const ratio = rateOf(load) / rateOf(usual);
      const isWhole = what === 'the same with audit';
      return [
        {
          metric: what === 'policies' ? 'tokens (RS256) and policies' : what,
          thv: describeLoad(load),
          peer: `plain: ${describeLoad(usual)}`,
          ratio,
          ...(isWhole ? { budget: atLeast(ratio, MIN_RATIO, '×') } : {}),
        },
        {
          metric: '— processor time of the proxy for each request',
          thv: us(processorUsOf(load)),
          peer: `plain: ${us(processorUsOf(usual))}`,
          ratio: processorUsOf(load) / processorUsOf(usual),
        },
      ];
    }),
    {
      metric: 'memory of the host that three guarded workloads and the policy engine add',
      thv: mb(after.ownBytes - before.ownBytes),
    },
  ];
}

interface Provider extends AsyncDisposable {
  readonly issuer: string;
  readonly token: string;
}

/** An identity provider as far as tokens are checked by it: its keys. */
async function openProvider(): Promise<Provider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => Response.json({ keys: [jwk] }) });
  const issuer = `http://127.0.0.1:${server.port}`;
  const token = await new SignJWT({ email: 'joe@example.com', groups: ['eng'], level: 'low' })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(issuer)
    .setAudience('bench')
    .setSubject('joe')
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(privateKey);
  return { issuer, token, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** A container that shares our network and does nothing, so that thv takes our upstream for its server. */
async function openTarget(
  home: World,
  port: number,
  label: string,
  more: readonly string[],
  token: string | undefined,
): Promise<Target> {
  const name = home.name(label);
  const flags = ['--transport', 'streamable-http', '--network', 'host', '--target-port', `${port}`, '--wait'];
  await home.ok(['run', '--name', name, ...flags, ...more, FIXTURE_IMAGE, '--', 'ends', `${2 ** 31 - 1}`]);
  const { url } = await home.reached(name);
  const opened = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'bench', version: '1' },
      },
    }),
  });
  if (!opened.ok) throw new Error(`initialize of ${label}: ${opened.status} ${await opened.text()}`);
  const sessionId = opened.headers.get('mcp-session-id') ?? '';
  await opened.body?.cancel();
  return { url, sessionId, processId: await hostOf(home), ...(token === undefined ? {} : { token }) };
}
