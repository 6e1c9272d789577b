import type { ApplicationConfig } from '../config/index.ts';

/** Where server definitions come from; one at a time (spec 08 §1). */
export interface RegistrySource {
  readonly kind: 'default' | 'file' | 'url' | 'api';
  /** Path or URL; '' for the catalog in the executable. */
  readonly location: string;
}

export function sourceOf(config: ApplicationConfig): RegistrySource {
  if (config.registry_api_url !== '') return { kind: 'api', location: config.registry_api_url };
  if (config.registry_url !== '') return { kind: 'url', location: config.registry_url };
  if (config.local_registry_path !== '') return { kind: 'file', location: config.local_registry_path };
  return { kind: 'default', location: '' };
}
