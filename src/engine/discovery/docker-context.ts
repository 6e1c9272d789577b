import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseDockerHost } from './docker-host.ts';
import type { HostFacts, SocketCandidate } from './types.ts';

const ConfigFile = v.object({ currentContext: v.optional(v.string(), '') });
const ContextFile = v.object({ Endpoints: v.object({ docker: v.object({ Host: v.string() }) }) });

/**
 * The engine of the active Docker context: `DOCKER_CONTEXT`, else `currentContext` of Docker's `config.json`. Its address is in
 * `contexts/meta/<sha256 of the name>/meta.json` (docker/cli `cli/context/store`). None for the context `default`.
 */
export async function dockerContextCandidate({
  env,
  home,
  platform,
}: HostFacts): Promise<readonly SocketCandidate[]> {
  const folder = env['DOCKER_CONFIG'] || join(home, '.docker');
  const name =
    env['DOCKER_CONTEXT'] || (await readJson(join(folder, 'config.json'), ConfigFile))?.currentContext;
  if (!name || name === 'default') return [];
  const origin = `Docker context "${name}"`;
  const path = join(
    folder,
    'contexts',
    'meta',
    new Bun.CryptoHasher('sha256').update(name).digest('hex'),
    'meta.json',
  );
  const context = await readJson(path, ContextFile);
  if (context === undefined) return [{ address: path, origin, problem: 'the context cannot be read' }];
  return [parseDockerHost(context.Endpoints.docker.Host, origin, platform)];
}

/** `undefined` when the file is missing or is not what Docker writes: then it names no engine. */
async function readJson<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  try {
    const parsed = v.safeParse(schema, JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
