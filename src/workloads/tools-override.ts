import * as v from 'valibot';
import { messageOf, ThvError, within } from '../errors/index.ts';
import { readTextFile } from '../platform/index.ts';

const Text = v.optional(v.string());
const File = v.looseObject({
  toolsOverride: v.nullish(v.record(v.string(), v.object({ name: Text, description: Text }))),
});

export type ToolsOverride = Readonly<
  Record<string, { readonly name?: string; readonly description?: string }>
>;

/** Reads `--tools-override FILE` (spec 01 §4.3). Empty parts are left out; two tools never get one name (spec 04 §19.9). */
export async function readToolsOverride(path: string | undefined): Promise<ToolsOverride> {
  if (path === undefined) return {};
  return within('failed to load tools override', async () => {
    const overrides = parse(await read(path)).toolsOverride ?? {};
    if (Object.keys(overrides).length === 0) throw invalid('tools override are empty');
    return checkToolsOverride(overrides);
  });
}

type GivenOverride = Readonly<
  Record<string, { readonly name?: string | undefined; readonly description?: string | undefined }>
>;

/** The overrides in their normal form. Throws `ERR_INPUT_INVALID` for the first that makes no sense. */
export function checkToolsOverride(given: GivenOverride): ToolsOverride {
  const overrides = Object.entries(given);
  const owners = new Map<string, string>();
  for (const [tool, { name, description }] of overrides) {
    if (tool === '') throw invalid('tool name cannot be empty');
    if (!name && !description) {
      throw invalid(`tool override for ${tool} must have either Name or Description set`);
    }
    const other = name ? owners.get(name) : undefined;
    if (other !== undefined) throw invalid(`tools ${other} and ${tool} are both overridden to ${name}`);
    if (name) owners.set(name, tool);
  }
  return Object.fromEntries(
    overrides.map(([tool, { name, description }]) => [
      tool,
      { ...(name ? { name } : {}), ...(description ? { description } : {}) },
    ]),
  );
}

async function read(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason: messageOf(error) }, { cause: error });
  }
}

function parse(text: string): v.InferOutput<typeof File> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`not valid JSON: ${messageOf(error)}`);
  }
  const parsed = v.safeParse(File, value);
  if (parsed.success) return parsed.output;
  throw invalid(
    parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`).join('; '),
  );
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason });
}
