import type { Hono } from 'hono';
import type { Authenticator } from '../oidc/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';
import type { ApiVariables } from './pipeline/time-limit.ts';

/** What the API is made of; nothing in it listens anywhere. */
export interface ApiOptions {
  readonly workloads: WorkloadManager;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: Paths;
  readonly logger: Logger;
  /** As `GET /version` tells it, for example `v1.2.3`. */
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  /** Tells this process from others that could answer at the same address (spec 10 §4). */
  readonly nonce: string;
  /** Whether only this machine can connect by TCP; then only its own names are answered. Absent for sockets and pipes. */
  readonly tcp?: { readonly isLoopback: boolean };
  readonly authenticator?: Authenticator | undefined;
  /** Adds `/api/openapi.json` and `/api/doc`. */
  readonly openapi?: boolean;
  /** Also the `debug` of workloads made here (spec 10 §1). */
  readonly debug?: boolean;
  /** Aborts when the server shuts down: streams end then. */
  readonly shutdown: AbortSignal;
}

/** What routes are given beside what the caller gave. */
export interface RouteOptions extends ApiOptions {
  /** Owner of what goes on after a 202. */
  readonly background: { run(name: string, task: () => Promise<void>): void };
}

export type Api = Hono<ApiVariables>;
