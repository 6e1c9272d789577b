import { describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePaths, silentLogger } from '../platform/index.ts';
import { parseRunConfig, parseWorkloadName, type RunConfig, type WorkloadKind } from '../records/index.ts';
import type { Runtime, RuntimeServices } from './runtime.ts';
import { createRuntimes, KINDS } from './table.ts';

const paths = resolvePaths({ HOME: mkdtempSync(join(tmpdir(), 'thv-runtimes-')) });
const runtimes = createRuntimes({ wanted: '', env: {}, shell: {}, paths, logger: silentLogger });
mkdirSync(join(paths.data, 'processes', 'was-a-process'), { recursive: true });

const documentOf = (fields: object) =>
  parseRunConfig(JSON.stringify({ name: 'a', transport: 'sse', image: 'x', ...fields }));

test.each([
  ['a document of an image', documentOf({}), 'container'],
  ['a document of a process', documentOf({ runtime: 'process' }), 'process'],
  ['a document of a remote server', documentOf({ remote_url: 'https://example.com' }), 'remote'],
  ['a document that cannot be read', undefined, 'container'],
] as const)('%s leads to its runtime', (_, config, kind) => {
  expect(runtimes.of(config).kind).toBe(kind);
});

test.each([
  ['without a document, the folder of a process tells its kind', 'was-a-process', undefined, 'process'],
  ['without a document and a folder, it may be a container', 'unknown', undefined, 'container'],
  ['a document beats what an earlier workload left', 'was-a-process', documentOf({}), 'container'],
] as const)('%s', (_, name, config, kind) => {
  expect(runtimes.ofWorkload(parseWorkloadName(name), config).kind).toBe(kind);
});

describe('a fourth kind is one more line of the table', () => {
  const cluster = (services: RuntimeServices): Runtime => ({
    ...KINDS.container(services),
    kind: 'cluster' as WorkloadKind,
    names: ['cluster'],
    takes: ['image'],
    hasTraceOf: (name) => name === 'was-in-a-cluster',
  });
  const kinds = { ...KINDS, cluster };
  const four = createRuntimes({ wanted: '', env: {}, shell: {}, paths, logger: silentLogger }, kinds);

  test('it is listed, meant by its word, and offered after the others for what it takes', () => {
    const kindsOf = (list: readonly Runtime[]): readonly string[] => list.map(({ kind }) => kind);
    expect(kindsOf(four.all)).toEqual(['container', 'process', 'remote', 'cluster']);
    expect<string | undefined>(four.named('cluster')?.kind).toBe('cluster');
    expect(kindsOf(four.able('image'))).toEqual(['container', 'cluster']);
    expect(kindsOf(four.able('package'))).toEqual(['container', 'process']);
  });

  test('documents that name it lead to it, and so does what it leaves', () => {
    const config = { ...documentOf({}), runtime: 'cluster' } as unknown as RunConfig;
    expect<string>(four.of(config).kind).toBe('cluster');
    expect<string>(four.ofWorkload(parseWorkloadName('was-in-a-cluster'), undefined).kind).toBe('cluster');
  });

  test('a kind without a line does not compile', () => {
    const services = { wanted: '', env: {}, shell: {}, paths, logger: silentLogger };
    const { container: _, ...rest } = KINDS;
    // @ts-expect-error: its runtime is missing
    expect(() => createRuntimes(services, rest)).toThrow('no runtime of kind container');
  });

  test('nobody else asks which of them a runtime is', async () => {
    const rooms = ['workloads', 'host', 'commands', 'api'].map((room) => join(import.meta.dir, '..', room));
    const asking: string[] = [];
    for (const room of rooms) {
      for (const file of new Bun.Glob('**/*.ts').scanSync(room)) {
        const text = await Bun.file(join(room, file)).text();
        if (/runtimes?\.byKind|runtime\.kind [!=]==/.test(text)) asking.push(file);
      }
    }
    expect(asking).toEqual([]);
  });
});

test('every runtime stands under its own kind', () => {
  expect<readonly string[]>(runtimes.all.map(({ kind }) => kind)).toEqual(Object.keys(KINDS));
});
