export { findSandbox, noSandbox } from './find-sandbox.ts';
export { runSandboxPart } from './linux/launcher.ts';
export { type NetworkAccess, networkAccessOf } from './network-access.ts';
export { installPackage } from './packages/install.ts';
export { requirePackage } from './packages/reference.ts';
export type { InstalledPackage } from './packages/types.ts';
export type { ProcessSpec, Sandbox, SandboxedProcess } from './types.ts';
