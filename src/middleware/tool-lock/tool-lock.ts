import * as v from 'valibot';
import { messageOf } from '../../errors/index.ts';
import type { Handler, RequestContext } from '../../proxy/index.ts';
import { PARTS, type ToolLock } from '../../tool-lock/index.ts';
import { createMessageFilter, filterMessage } from '../lists/filter-message.ts';
import { filterLists } from '../lists/filter-response.ts';
import type { ListKind } from '../lists/list-rule.ts';
import { parseParameters } from '../parameters.ts';
import { refuseCall } from '../refuse-call.ts';
import type { ChainServices, Middleware } from '../types.ts';
import { createToolAsker } from './ask-tools.ts';
import { createKnownTools } from './known-tools.ts';

const TOOLS: ListKind = { member: 'tools', key: 'name', known: PARTS.filter((part) => part !== 'name') };

/**
 * Shows and lets through only tools that are as `thv lock` recorded them: a server may change what it tells a model after a person has
 * approved it. Innermost, so that it sees what the server itself says. The server is not trusted: lists are looked for in all of its
 * answers, and what a call needs to know is asked for again when no list was seen for a while.
 */
export function createToolLock(
  parameters: unknown,
  {
    log,
    workload,
    clock,
    readToolLock,
    audit,
  }: Pick<ChainServices, 'log' | 'workload' | 'clock' | 'readToolLock' | 'audit'>,
): Middleware {
  parseParameters('tool-lock', v.strictObject({}), parameters);
  const asker = createToolAsker();
  const known = createKnownTools(() => lockOf(readToolLock), clock);
  const lists = createMessageFilter({
    kinds: [TOOLS],
    refusal: {
      message: 'The list of tools cannot be compared with what was locked',
      status: 500,
      isStrict: true,
    },
    onList: (_, items) => known.learn(items),
    show({ id, text }, context) {
      const difference = known.difference(id);
      if (difference !== undefined) tellOnce(id, difference, context);
      return difference === undefined ? text : undefined;
    },
  });
  let asking: Promise<void> | undefined;
  const warned = new Map<string, string>();

  function tellOnce(tool: string, reason: string, context: RequestContext): void {
    if (warned.get(tool) === reason || warned.size >= MAX_WARNINGS) return;
    warned.set(tool, reason);
    log.warn('tool is withheld', { tool, reason });
    audit?.report(context, {
      type: 'mcp_tools_list',
      outcome: 'denied',
      target: { endpoint: context.path, method: 'tools/list', type: 'tool', name: tool },
      extra: { tool_lock: reason },
    });
  }

  async function askAll(request: Request, context: RequestContext, next: Handler): Promise<void> {
    const pages = await asker.ask(request, context, next);
    known.forget();
    for (const page of pages) await filterMessage(page, lists, context);
  }

  /** Why a tool must not be called; `undefined` when it may. */
  async function problemOf(
    tool: string,
    ...call: [Request, RequestContext, Handler]
  ): Promise<string | undefined> {
    if (!known.knows(tool)) {
      try {
        asking ??= askAll(...call).finally(() => {
          asking = undefined;
        });
        await asking;
      } catch (error) {
        log.warn('the tools of the server cannot be compared with what was locked', {
          tool,
          error: messageOf(error),
        });
        return `the server's list of tools could not be had (${messageOf(error)})`;
      }
    }
    return known.difference(tool);
  }

  function onData(data: string): boolean {
    if (data.includes('tools/list_changed') || data.includes('tools\\/list_changed')) known.forget();
    return !asker.take(data);
  }

  return async function toolLock(request, context, next) {
    const { message } = context;
    if (message?.method === 'tools/call') {
      const tool = message.tool ?? '';
      const problem = await problemOf(tool, request, context, next);
      if (problem !== undefined) {
        log.warn('call of a tool is refused', { tool, reason: problem });
        audit?.note(context, { outcome: 'denied', extra: { tool_lock: problem } });
        return refuseCall(
          request,
          context,
          `Tool ${JSON.stringify(tool)} is refused: ${problem}. Whoever runs this server can look at it with 'thv lock ${workload} --diff' and accept it with 'thv lock ${workload} --update'`,
        );
      }
    }
    return filterLists(request, context, next, { filter: lists, looksAt: 'all', onData, log });
  };
}

const MAX_WARNINGS = 1000;

/** A lock that cannot be read locks everything. */
function lockOf(read: (() => ToolLock | undefined) | undefined): ToolLock | undefined {
  try {
    return read?.();
  } catch {
    return undefined; // said when it is read for a person, by 'thv lock'
  }
}
