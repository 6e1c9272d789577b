export { runSandboxPart } from './linux/launcher.ts';
