import * as v from 'valibot';
import type { ReadText } from './node-project.ts';
import type { PythonProject } from './types.ts';

const Strings = v.fallback(v.optional(v.record(v.string(), v.unknown())), undefined);
const Text = v.fallback(v.optional(v.string()), undefined);
const PyprojectSchema = v.object({
  project: v.optional(v.object({ name: Text, scripts: Strings, 'requires-python': Text })),
  'build-system': v.optional(v.unknown()),
  tool: v.optional(
    v.object({
      poetry: v.optional(v.object({ name: Text, scripts: Strings })),
      uv: v.optional(
        v.object({ package: v.optional(v.boolean()), workspace: v.optional(v.unknown()), sources: Strings }),
      ),
    }),
  ),
});
type Pyproject = v.InferOutput<typeof PyprojectSchema>;

type PythonFacts = Omit<PythonProject, 'folder' | 'name'> & { readonly name: string | undefined };
type Run = PythonProject['run'];

/** Files beside the code of a project that start something else. */
const NOT_A_SERVER = /^(?:setup|conftest|noxfile|tasks|fabfile|test_.*|.*_test)\.py$/;
const USUAL_FILES = ['server.py', 'main.py', 'app.py'];
const PROGRAM = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const MODULE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The server that a folder with a `pyproject.toml` is, or the reason why it is none. What is run is, in this order, its program
 * (`[project.scripts]`), a package with a `__main__.py`, or its one Python file.
 */
export async function readPythonProject(
  files: ReadonlySet<string>,
  readText: ReadText,
): Promise<PythonFacts | { readonly problem: string }> {
  const decoded = decode((await readText('pyproject.toml')) ?? '');
  if (decoded === undefined) return { problem: 'pyproject.toml is not TOML, or not of the usual form' };
  const name = decoded.project?.name ?? decoded.tool?.poetry?.name;
  const run = findProgram(decoded, name) ?? (await findModule(name, files, readText));
  if ('problem' in run) return run;
  const uv = decoded.tool?.uv;
  return {
    kind: 'python',
    name,
    run,
    isLocked: files.has('uv.lock'),
    isPackage: uv?.package ?? decoded['build-system'] !== undefined,
    hasSourceFolder: files.has('src'),
    installsAlone:
      files.has('uv.lock') &&
      uv?.workspace === undefined &&
      !Object.values(uv?.sources ?? {}).some((source) =>
        JSON.stringify(source).match(/"(?:path|workspace)":/),
      ),
    image: imageFor((await readText('.python-version')) ?? '', decoded.project?.['requires-python'] ?? ''),
  };
}

function decode(text: string): Pyproject | undefined {
  try {
    const checked = v.safeParse(PyprojectSchema, Bun.TOML.parse(text));
    return checked.success ? checked.output : undefined;
  } catch {
    return undefined; // not TOML, said by the caller
  }
}

/** The only one, else the one called like the project, else the only one whose name speaks of MCP. */
function findProgram(
  { project, tool }: Pyproject,
  name: string | undefined,
): Run | { readonly problem: string } | undefined {
  const scripts = project?.scripts ?? tool?.poetry?.scripts ?? {};
  const programs = Object.keys(scripts);
  if (programs.length === 0) return undefined;
  const ofMcp = programs.filter((program) => program.includes('mcp'));
  const script =
    programs.length === 1
      ? programs[0]
      : (programs.find((program) => normalized(program) === normalized(name ?? '')) ??
        (ofMcp.length === 1 ? ofMcp[0] : undefined));
  if (script === undefined) {
    return {
      problem: `pyproject.toml has several programs (${programs.join(', ')}) and none is called like the project`,
    };
  }
  if (!PROGRAM.test(script))
    return { problem: `${JSON.stringify(script)} in pyproject.toml cannot be the name of a program` };
  return { kind: 'script', script, entryPoint: String(scripts[script]).replaceAll(' ', '') };
}

async function findModule(
  name: string | undefined,
  files: ReadonlySet<string>,
  readText: ReadText,
): Promise<Run | { readonly problem: string }> {
  const called = normalized(name ?? '').replaceAll('-', '_');
  for (const folder of [`src/${called}`, called]) {
    if (MODULE.test(called) && (await readText(`${folder}/__main__.py`)) !== undefined) {
      return { kind: 'module', module: called };
    }
  }
  const sources = [...files].filter((file) => /^[\w-]+\.py$/.test(file) && !NOT_A_SERVER.test(file));
  const usual = [`${called}.py`, ...USUAL_FILES].find((candidate) => sources.includes(candidate));
  const file = usual ?? (sources.length === 1 ? sources[0] : undefined);
  if (file !== undefined) return { kind: 'file', file };
  return {
    problem:
      sources.length === 0
        ? 'pyproject.toml has no [project.scripts], and there is neither a package with a __main__.py nor a Python file'
        : `pyproject.toml has no [project.scripts], and which of the files is the server cannot be told: ${sources.join(', ')}`,
  };
}

/** PEP 503: how the same name may be written. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

const NEWEST_MINOR = 14;
const OLDEST_MINOR = 9;

/** The newest of the usual images that `.python-version`, else `requires-python` (PEP 440) accepts. */
function imageFor(pinned: string, required: string): string | undefined {
  const [, wanted] = /^(?:cpython[-@]?)?3\.(\d+)/m.exec(pinned.trim()) ?? [];
  const minors = Array.from({ length: NEWEST_MINOR - OLDEST_MINOR + 1 }, (_, index) => NEWEST_MINOR - index);
  const minor =
    wanted === undefined ? minors.find((candidate) => accepts(required, candidate)) : Number(wanted);
  return minor === undefined || minor === NEWEST_MINOR ? undefined : `python:3.${minor}-slim`;
}

/** Whether some 3.`minor` release may fit; what cannot be read counts as fitting, uv has the last word. */
function accepts(required: string, minor: number): boolean {
  return required.split(',').every((clause) => {
    const [, operator, of, patch] = /^\s*(~=|==|!=|<=|>=|<|>)\s*3\.(\d+)(\.[\d*]+)?/.exec(clause) ?? [];
    if (operator === undefined) return true;
    const bound = Number(of);
    switch (operator) {
      case '==':
        return minor === bound;
      case '~=':
        return patch === undefined ? minor >= bound : minor === bound;
      case '<=':
        return minor <= bound;
      case '<':
        return patch === undefined || patch === '.0' ? minor < bound : minor <= bound;
      case '>=':
      case '>':
        return minor >= bound;
      default:
        return !(minor === bound && (patch === undefined || patch === '.*'));
    }
  });
}
