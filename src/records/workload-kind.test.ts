import { expect, test } from 'bun:test';
import { parseRunConfig } from './run-config.ts';
import { kindOf } from './workload-kind.ts';

test.each([
  ['a document with an image is a container', { image: 'example/server:1' }, 'container'],
  ['an empty document is a container', {}, 'container'],
  ['runtime process makes it a process', { image: 'npx://a@1', runtime: 'process' }, 'process'],
  ['a URL makes it remote', { remote_url: 'https://example.com/mcp' }, 'remote'],
  ['a URL beats the runtime', { remote_url: 'https://example.com/mcp', runtime: 'process' }, 'remote'],
  ['a URL of nothing but blanks is none', { image: 'example/server:1', remote_url: ' ' }, 'container'],
  ['an empty URL leaves a process a process', { runtime: 'process', remote_url: '' }, 'process'],
])('%s', (_, fields, kind) => {
  const document = JSON.stringify({ name: 'a', transport: 'sse', ...fields });
  expect(kindOf(parseRunConfig(document)).kind).toBe(kind as ReturnType<typeof kindOf>['kind']);
});
