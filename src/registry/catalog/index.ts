/** The catalog in the executable, a decoded document of the upstream format (spec 08 §8); parsed when it is asked for. */
export async function loadCatalog(): Promise<unknown> {
  return (await import('./catalog.json')).default;
}
