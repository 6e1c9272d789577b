import type { ContextEntry } from '../context-tar.ts';
import { ENGINE_IGNORE_FILES, readIgnoreRules } from '../ignore-rules.ts';
import { contextEntries } from '../local-project.ts';

/** What a Dockerfile may be called, the first that is there counts: Docker's and Podman's names, and how it is often typed. */
export const DOCKERFILES = ['Dockerfile', 'Containerfile', 'dockerfile', 'containerfile'] as const;

/** Files that the tools of a project recreate, history, and files meant for secrets. An ignore file can include them again. */
const LEFT_OUT = ['.git', 'node_modules', '.venv', '__pycache__', '.env', '.env.*', '.netrc'].map(
  (name) => `**/${name}`,
);
/** The folder of our own files (`BuildPlan.filesPrefix`), and ignore files, which are read here. */
const NOT_SENT: ReadonlySet<string> = new Set(['.thv-build', ...ENGINE_IGNORE_FILES]);

/** What of a project goes to a generated Dockerfile. */
export async function* projectContext(folder: string): AsyncGenerator<ContextEntry, void, undefined> {
  yield* contextEntries(folder, await readIgnoreRules(folder, LEFT_OUT), NOT_SENT);
}

/** What goes to a Dockerfile of the folder's own: all that its ignore files leave, as its author expects, and the file itself. */
export async function* dockerfileContext(
  folder: string,
  dockerfile: string,
): AsyncGenerator<ContextEntry, void, undefined> {
  const rules = await readIgnoreRules(folder);
  const ignores = (path: string) => path !== dockerfile && rules.ignores(path);
  yield* contextEntries(folder, { ...rules, ignores }, new Set());
}
