import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePaths, silentLogger } from '../platform/index.ts';
import { parseRunConfig, parseWorkloadName } from '../records/index.ts';
import { createRuntimes } from './table.ts';

const paths = resolvePaths({ HOME: mkdtempSync(join(tmpdir(), 'thv-runtimes-')) });
const runtimes = createRuntimes({ env: {}, shell: {}, paths, logger: silentLogger });
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

test('every runtime stands under its own kind', () => {
  for (const [kind, runtime] of Object.entries(runtimes.byKind)) expect<string>(runtime.kind).toBe(kind);
});
