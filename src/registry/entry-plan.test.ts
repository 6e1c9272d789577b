import { describe, expect, test } from 'bun:test';
import { type GivenSettings, planFromEntry, workloadNameFor } from './entry-plan.ts';
import { fromLegacy } from './legacy-format.ts';

const NOTHING: GivenSettings = {
  transport: undefined,
  proxyPort: 0,
  targetPort: 0,
  serverArguments: [],
  permissions: undefined,
  tools: [],
  toolsOverride: {},
};

function plan(
  facts: object,
  given: Partial<GivenSettings> = {},
  kind: 'servers' | 'remote_servers' = 'servers',
) {
  const [entry] = fromLegacy({ [kind]: { 'a.b/c': facts } }).entries;
  if (entry === undefined) throw new Error('no entry');
  return planFromEntry(entry, { ...NOTHING, ...given });
}

const HTTP = { image: 'i', transport: 'sse', target_port: 8000, proxy_port: 9000, args: ['x'] };
const STDIO = { ...HTTP, transport: 'stdio' };
const PROFILE = { name: 'entry' };

describe('planFromEntry', () => {
  const rows: readonly (readonly [string, object, Partial<GivenSettings>, object])[] = [
    [
      'the entry alone',
      HTTP,
      {},
      { transport: 'sse', targetPort: 8000, proxyPort: 9000, serverArguments: ['x'] },
    ],
    [
      'the user beats the entry',
      HTTP,
      { transport: 'streamable-http', targetPort: 1, proxyPort: 2, serverArguments: ['y', 'z'] },
      { transport: 'streamable-http', targetPort: 1, proxyPort: 2, serverArguments: ['y', 'z'] },
    ],
    [
      'ports of an entry mean nothing to stdio',
      STDIO,
      {},
      { transport: 'stdio', targetPort: 0, proxyPort: 0 },
    ],
    ['a port of the user does', STDIO, { proxyPort: 5 }, { proxyPort: 5 }],
    [
      'they count again when the user changes the transport',
      STDIO,
      { transport: 'sse' },
      { targetPort: 8000, proxyPort: 9000 },
    ],
    ['no transport', { image: 'i' }, {}, { transport: 'streamable-http', targetPort: 0, proxyPort: 0 }],
    ['permissions of the entry', { ...HTTP, permissions: PROFILE }, {}, { permissions: PROFILE }],
    [
      'permissions of the user',
      { ...HTTP, permissions: PROFILE },
      { permissions: { name: 'mine' } },
      { permissions: { name: 'mine' } },
    ],
    ['no permissions', HTTP, {}, { permissions: undefined }],
  ];
  test.each(rows)('%s', (_what, facts, given, expected) => {
    expect(plan(facts, given)).toMatchObject({
      kind: 'container',
      serverName: 'a.b/c',
      image: 'i',
      ...expected,
    });
  });

  test('a remote entry keeps its transport, port and headers', () => {
    const facts = { url: 'https://e.com', transport: 'sse', proxy_port: 7, headers: [{ name: 'X' }] };
    expect(plan(facts, {}, 'remote_servers')).toMatchObject({
      kind: 'remote',
      url: 'https://e.com',
      transport: 'sse',
      proxyPort: 7,
      headers: [{ name: 'X' }],
    });
  });

  test.each([
    ['servers' as const, 'carrier-pigeon'],
    ['remote_servers' as const, 'stdio'],
  ])('%s with transport %s is refused', (kind, transport) => {
    expect(() => plan({ transport }, {}, kind)).toThrow(
      `registry entry a.b/c has an unsupported transport: ${transport}`,
    );
  });
});

describe('tools', () => {
  const facts = { ...HTTP, tools: ['read', 'write'] };
  test.each([
    ['known ones', { tools: ['read', 'write'] }],
    ['a known one by its new name', { tools: ['lesen'], toolsOverride: { read: { name: 'lesen' } } }],
    ['a known one with a new description', { tools: ['read'], toolsOverride: { read: {} } }],
  ])('fine: %s', (_what, given) => {
    expect(plan(facts, given).kind).toBe('container');
  });

  test.each([
    ['an unknown one', { tools: ['read', 'delete'] }, 'delete'],
    [
      'an unknown one renamed to a known one',
      { tools: ['read'], toolsOverride: { nix: { name: 'read' } } },
      'nix',
    ],
  ])('refused: %s', (_what, given, tool) => {
    expect(() => plan(facts, given)).toThrow(`tool ${tool} not found in registry`);
  });

  test('an entry that lists none does not judge', () => {
    expect(plan(HTTP, { tools: ['anything'] }).kind).toBe('container');
  });
});

test.each([
  ['osv', 'osv'],
  ['io.github.stacklok/osv', 'io-github-stacklok-osv'],
])('workload name for %s', (typed, name) => {
  expect(workloadNameFor(typed)).toBe(name);
});
