import { findMirroredParams, type MirroredParam } from '../era/index.ts';

/**
 * Which arguments of which tools clients must repeat in headers, as lists of tools that passed by tell it (spec 04
 * §18.1). A tool that nobody has listed yet is not checked: the server's schema is not known here otherwise.
 */
export interface ToolHeaders {
  of(tool: string): readonly MirroredParam[];
  /** The answer to a `tools/list`. */
  learn(answer: string): void;
  /** Another process may have other tools. */
  forget(): void;
}

const NONE: readonly MirroredParam[] = [];
const MAX_TOOLS = 4096;

export function createToolHeaders(): ToolHeaders {
  const tools = new Map<string, readonly MirroredParam[]>();
  return {
    of: (tool) => tools.get(tool) ?? NONE,
    learn(answer) {
      if (tools.size === 0 && !answer.includes('x-mcp-header')) return;
      const listed: unknown = JSON.parse(answer)?.result?.tools;
      if (!Array.isArray(listed)) return;
      for (const tool of listed) {
        if (typeof tool?.name !== 'string') continue;
        const mirrored = findMirroredParams(tool.inputSchema);
        tools.delete(tool.name);
        if (mirrored.length > 0 && tools.size < MAX_TOOLS) tools.set(tool.name, mirrored);
      }
    },
    forget: () => tools.clear(),
  };
}
