import { createConfigStore } from '../../config/index.ts';
import { ThvError } from '../../errors/index.ts';
import type { Paths } from '../../platform/index.ts';
import { networkAccessOf } from '../../processes/index.ts';
import { JS_RUNTIME_CHOICES, type JsRuntimeChoice, type RunConfig } from '../../records/index.ts';

const VARIABLE = 'TOOLHIVE_JS_RUNTIME';

/** How a package is installed and run, as far as the document of its workload and the settings of this machine say. */
export async function packageSettings(
  config: Partial<
    Pick<
      RunConfig,
      'js_runtime' | 'runtime_config' | 'permission_profile' | 'isolate_network' | 'learn_permissions'
    >
  >,
  { env, paths }: { readonly env: Readonly<Record<string, string | undefined>>; readonly paths: Paths },
) {
  const network = networkAccessOf(
    config.permission_profile,
    config.isolate_network === true,
    config.learn_permissions !== undefined,
  );
  return {
    buildWith: config.runtime_config?.build_with ?? [],
    jsRuntime: config.js_runtime ?? fromVariable(env) ?? (await fromFile(paths)),
    behindProxy: network.type === 'filtered',
  };
}

/** Throws `ERR_INPUT_INVALID` for a value that is none. */
function fromVariable(env: Readonly<Record<string, string | undefined>>): JsRuntimeChoice | undefined {
  const text = env[VARIABLE]?.trim() ?? '';
  if (text === '') return undefined;
  const choice = JS_RUNTIME_CHOICES.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `${VARIABLE} is ${JSON.stringify(text)}: it must be auto, node or bun`,
  });
}

async function fromFile(paths: Paths): Promise<JsRuntimeChoice | undefined> {
  return (await createConfigStore(paths).read()).js_runtime ?? undefined;
}
