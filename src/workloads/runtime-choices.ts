/** What `--runtime`, `TOOLHIVE_RUNTIME` and a request to the API may ask for (spec 03 §1.1). */
export const RUNTIMES = ['auto', 'docker', 'podman', 'process'] as const;

/** What is said of another one. */
export function unknownRuntime(text: string): string {
  return `runtime "${text}" not found. Available runtimes: ${RUNTIMES.join(', ')}`;
}
