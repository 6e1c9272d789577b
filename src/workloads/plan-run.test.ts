import { expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { requirePackageReference } from '../build/index.ts';
import { planRun } from './plan-run.ts';

const FACTS = {
  given: {
    transport: undefined,
    proxyPort: 0,
    targetPort: 0,
    permissions: undefined,
    serverArguments: [],
    tools: [],
    toolsOverride: {},
  },
  stateless: false,
  fallbackTransport: undefined,
  registrySource: () => Promise.reject(new Error('not asked for')),
};

test.each([
  ['npx://a@1.2.3', 'npx://a@1.2.3'],
  ['go://example.com/a/b', 'go://example.com/a/b'],
  ['go://.', `go://${resolve('.')}`],
  ['go://../other/cmd', `go://${resolve('../other/cmd')}`],
  ['go:///abs/path', 'go:///abs/path'],
])('an image of %s can be built again from any folder: %s', async (text, reference) => {
  const source = { kind: 'package', reference: requirePackageReference(text), defaultName: 'a' } as const;
  expect((await planRun(source, FACTS)).origin).toEqual({ package_reference: reference });
});
