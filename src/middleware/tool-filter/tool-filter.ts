import { findMember, type RequestContext, splice } from '../../proxy/index.ts';
import { createMessageFilter } from '../lists/filter-message.ts';
import { filterLists, mayAnswerList } from '../lists/filter-response.ts';
import type { ListItem, ListKind, ListRule } from '../lists/list-rule.ts';
import type { Middleware, Services } from '../types.ts';
import { ANY_TOOL, limitedTo, parseToolRules, type ToolRules } from './tool-rules.ts';

const METHODS: ReadonlySet<string> = new Set(['tools/list']);
const TOOLS: ListKind = { member: 'tools', key: 'name', known: ['description'] };

/**
 * Response side of `--tools` and `--tools-override`: lists of tools show what clients may use, by the names they know
 * (spec 04 §12.3). A response that cannot hold such a list is not touched.
 */
export function createToolFilter(parameters: unknown, { log }: Pick<Services, 'log'>): Middleware {
  const all = parseToolRules('tool-filter', parameters);
  const rulesFor = ({ identity }: RequestContext) => limitedTo(identity?.tools, all);
  const filter = createMessageFilter(asListRule(rulesFor));

  return function toolFilter(request, context, next) {
    return rulesFor(context) === ANY_TOOL || !mayAnswerList(request, context, METHODS)
      ? next(request, context)
      : filterLists(request, context, next, { filter, looksAt: 'all', log });
  };
}

function asListRule(rulesFor: (context: RequestContext) => ToolRules): ListRule {
  return {
    kinds: [TOOLS],
    refusal: { message: 'The list of tools cannot be filtered', status: 200, isStrict: false },
    show(item, context) {
      const shown = rulesFor(context).show(item.id);
      return shown && rename(item, shown);
    },
  };
}

/** One tool as clients see it. */
function rename(
  { id, text }: ListItem,
  shown: { readonly name: string; readonly description: string | undefined },
): string {
  const whole = { start: 0, end: text.length };
  const nameAt = findMember(text, whole, 'name');
  if (nameAt === undefined) return text;
  const name = shown.name === id ? text.slice(nameAt.start, nameAt.end) : JSON.stringify(shown.name);
  if (shown.description === undefined) return splice(text, [{ at: nameAt, by: name }]);
  const description = JSON.stringify(shown.description);
  const descriptionAt = findMember(text, whole, 'description');
  return descriptionAt === undefined
    ? splice(text, [{ at: nameAt, by: `${name},"description":${description}` }])
    : splice(text, [
        { at: nameAt, by: name },
        { at: descriptionAt, by: description },
      ]);
}
