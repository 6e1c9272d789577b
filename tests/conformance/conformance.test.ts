import { beforeAll, describe, expect, test } from 'bun:test';
import { onOneEngine } from '../harness/on-each-engine.ts';
import {
  openBehindBridge,
  openBehindReverseProxy,
  openDirect,
  openInContainer,
  type Place,
} from './endpoints.ts';
import { EXPECTED_DIFFERENCES, type Way } from './expected-differences.ts';
import { type Check, type Revision, rank, runSuite } from './run-suite.ts';

type Checks = ReadonlyMap<string, Check>;

const REVISIONS: readonly Revision[] = ['2025-11-25', '2026-07-28'];
const direct = new Map<Revision, Checks>();

beforeAll(async () => {
  for (const revision of REVISIONS) direct.set(revision, await run(openDirect, revision));
});

describe.each(REVISIONS)('the conformance suite of %s', (revision) => {
  test('passes against the fixture itself, so that it has something to say about us', () => {
    const checks = directChecks(revision);
    expect(checks.length).toBeGreaterThan(80);
    expect(checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')).toEqual([]);
  });

  test('says the same through the reverse proxy', () =>
    compare(revision, 'reverse proxy', openBehindReverseProxy));

  test('says the same through server-stdio', () => compare(revision, 'server-stdio', openBehindBridge));

  // The suite holds the proxy against the standard; how each engine hands on the bytes of a server is shown in tests/e2e.
  onOneEngine((engine) => {
    test('says the same of a container that the executable runs', () =>
      compare(revision, 'server-stdio', () => openInContainer(engine)));
  });
});

async function compare(revision: Revision, through: Way, open: () => Promise<Place>): Promise<void> {
  const seen = await run(open, revision);
  const worse = directChecks(revision).flatMap(({ key, status }) => {
    const ours = seen.get(key);
    return rank(ours?.status) < rank(status) ? [{ key, status: ours?.status }] : [];
  });
  const unknown = [...seen.values()].filter(
    ({ key, status }) => status === 'FAILURE' && !direct.get(revision)?.has(key),
  );
  const expected = EXPECTED_DIFFERENCES.filter(
    (row) => row.revision === revision && row.through.includes(through),
  );
  expect(unknown).toEqual([]);
  expect(worse.sort(byKey)).toEqual(expected.map(({ key, status }) => ({ key, status })).sort(byKey));
}

async function run(open: () => Promise<Place>, revision: Revision): Promise<Checks> {
  await using place = await open();
  return await runSuite(place.url, revision);
}

function directChecks(revision: Revision): readonly Check[] {
  return [...(direct.get(revision)?.values() ?? [])];
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1;
}
