import { encodeHeaderValue } from '../middleware/index.ts';
import {
  findMember,
  findMirroredParams,
  type Message,
  type MirroredParam,
  stringAt,
} from '../proxy/index.ts';

/** Tool arguments that clients must repeat as `Mcp-Param-…` (spec 04 §18.1), as far as lists of tools have told. */
export interface ToolHeaders {
  /** Looks into an answer; lists of tools are known by their shape. */
  learn(answer: Message): void;
  headersFor(tool: string, call: Message): Record<string, string>;
}

export function createToolHeaders(): ToolHeaders {
  const known = new Map<string, readonly MirroredParam[]>();
  return {
    learn(answer) {
      if (answer.kind !== 'response' || !answer.text.includes('x-mcp-header')) return;
      const place = findMember(answer.text, answer.result, 'tools');
      if (place === undefined || answer.text[place.start] !== '[') return;
      const tools: readonly unknown[] = JSON.parse(answer.text.slice(place.start, place.end));
      for (const tool of tools) {
        const { name, inputSchema } = (tool ?? {}) as { name?: unknown; inputSchema?: unknown };
        if (typeof name === 'string') known.set(name, findMirroredParams(inputSchema));
      }
    },
    headersFor(tool, call) {
      if (call.kind === 'response') return {};
      const headers: Record<string, string> = {};
      for (const { path, header } of known.get(tool) ?? []) {
        const place = findMember(call.text, call.params, 'arguments', ...path);
        if (place === undefined) continue;
        const value = stringAt(call.text, place) ?? call.text.slice(place.start, place.end);
        if (value !== 'null' && !/^[[{]/.test(call.text[place.start] ?? ''))
          headers[`Mcp-Param-${header}`] = encodeHeaderValue(value);
      }
      return headers;
    },
  };
}
