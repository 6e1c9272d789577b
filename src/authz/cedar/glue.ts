import type * as Cedar from '@cedar-policy/cedar-wasm/web';
// @ts-expect-error: the package describes its entries, and none of those can be started again after a trap
import * as glue from '../../../node_modules/@cedar-policy/cedar-wasm/esm/cedar_wasm_bg.js';
// @ts-expect-error: a file, and no module
import wasmPath from '../../../node_modules/@cedar-policy/cedar-wasm/esm/cedar_wasm_bg.wasm' with {
  type: 'file',
};

/** The calls of the Cedar engine that are used here; each crosses into WebAssembly as JSON. */
export type CedarCalls = Pick<
  typeof Cedar,
  | 'checkParseEntities'
  | 'checkParsePolicySet'
  | 'isAuthorized'
  | 'policySetTextToParts'
  | 'policyToJson'
  | 'preparsePolicySet'
  | 'statefulIsAuthorized'
>;

export interface Instance {
  readonly memory: WebAssembly.Memory;
  __wbindgen_start(): void;
}

export const calls = glue as unknown as CedarCalls;

export async function compileCedar(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await Bun.file(wasmPath).arrayBuffer());
}

/** Makes a fresh instance the one that the calls go to. */
export function startCedar(module: WebAssembly.Module, former: Instance | undefined): Instance {
  // The glue keeps a view on the memory until that is detached, which growing does.
  former?.memory.grow(1);
  const { exports } = new WebAssembly.Instance(module, { './cedar_wasm_bg.js': glue });
  const instance = exports as unknown as Instance;
  (glue as unknown as { __wbg_set_wasm(exports: unknown): void }).__wbg_set_wasm(exports);
  instance.__wbindgen_start();
  return instance;
}
