import type { listServerTools as List } from './list-tools.ts';

/** `listServerTools`, loaded when somebody asks for a list. */
export async function listServerTools(...given: Parameters<typeof List>): ReturnType<typeof List> {
  const { listServerTools: list } = await import('./list-tools.ts');
  return list(...given);
}
