import type { Invocation } from '../cli/index.ts';
import { type ConfigStore, createConfigStore } from '../config/index.ts';

/** `config.yaml` of the user who runs the command. */
export async function openConfig({ findPaths }: Pick<Invocation, 'findPaths'>): Promise<ConfigStore> {
  return createConfigStore(await findPaths());
}
