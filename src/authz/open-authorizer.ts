import type { Logger } from '../platform/index.ts';
import type { AuthzConfig } from './config.ts';
import type { Authorizer } from './types.ts';

interface AuthorizerOptions {
  readonly workload: string;
  /** Names the proxies that a decision point is reached through. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** What decides by `config`; its engine is loaded now. Throws `ERR_AUTHZ_INVALID`. */
export async function openAuthorizer(config: AuthzConfig, options: AuthorizerOptions): Promise<Authorizer> {
  switch (config.type) {
    case 'cedarv1': {
      const { openCedarAuthorizer } = await import('./cedar/authorizer.ts');
      return openCedarAuthorizer(config.cedar, options);
    }
    case 'httpv1': {
      const { createPdpAuthorizer } = await import('./pdp/authorizer.ts');
      return createPdpAuthorizer(config.pdp, options);
    }
  }
}
