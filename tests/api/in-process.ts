import { openApiDocument } from '../../src/api/docs/documentation.ts';
import { createApi } from '../../src/api/index.ts';
import { resolvePaths, silentLogger } from '../../src/platform/index.ts';
import type { WorkloadManager } from '../../src/workloads/index.ts';
import type { OpenApiDocument } from './contract.ts';

/** The API without a server and without services: what needs one fails with 500. */
export function bareApi() {
  return createApi({
    workloads: {} as WorkloadManager,
    env: {},
    paths: resolvePaths({ HOME: '/nonexistent' }),
    logger: silentLogger,
    version: 'v0.0.0',
    platform: 'linux/amd64',
    nonce: 'nonce',
    tcp: { isLoopback: true },
    openapi: true,
    shutdown: new AbortController().signal,
  }).app;
}

export async function describeApi(): Promise<OpenApiDocument> {
  return JSON.parse(JSON.stringify(await openApiDocument(bareApi())));
}
