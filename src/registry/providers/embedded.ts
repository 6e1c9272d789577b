import { loadCatalog } from '../catalog/index.ts';
import type { RegistryContent } from '../content.ts';
import { fromUpstream } from '../from-upstream.ts';
import type { Provider } from '../provider.ts';

/** The catalog in the executable. */
export function createEmbeddedProvider(): Provider {
  let content: Promise<RegistryContent> | undefined;
  return {
    load() {
      content ??= loadCatalog().then(fromUpstream);
      return content;
    },
  };
}
