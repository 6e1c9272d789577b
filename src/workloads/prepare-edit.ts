import { ThvError } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import { baseNameOf, parseWorkloadName, type RunConfig } from '../records/index.ts';
import { requireApplicable } from './applicable-flags.ts';
import { checkCallers } from './check-callers.ts';
import type { Context } from './context.ts';
import { makeRunnable } from './make-runnable.ts';
import { documentOf } from './run-document.ts';
import type { RunRequest, ServerSettings } from './run-request.ts';
import { placeOf } from './runtime.ts';
import { askedOf, findSubject, type Subject, targetOf } from './subject.ts';
import type { OperationOptions, RunInteraction } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/**
 * What a workload becomes with other settings: everything that can be wrong with them is found here (spec 10 §11.6).
 * An image that stays is not looked up again, whatever it was made from.
 */
export async function prepareEdit(
  context: Context,
  present: RunConfig,
  request: RunRequest,
  options: RunOptions,
): Promise<RunConfig> {
  requireGroup(context, request.group);
  await checkCallers(context, request.proxy.callers);
  const name = parseWorkloadName(baseNameOf(present));
  const subject = await editedSubject(context, present, request, options);
  const { runtimes } = context;
  const kept = runtimes.of(present);
  const own = kept.runs === 'nothing' ? runtimes.usual : kept;
  const runtime = subject.kind === 'own' ? own : runtimes.remote;
  await runtime.open(options);
  if (subject.kind === 'own') {
    const target = targetOf(subject, placeOf(runtime));
    requireApplicable(askedOf(request, subject.settings), [target], present);
  }
  const made = await documentOf(context, runtime, request, { ...options, name, subject, present });
  return await makeRunnable(context, made, options);
}

async function editedSubject(
  context: Context,
  present: RunConfig,
  request: RunRequest,
  options: RunOptions,
): Promise<Subject> {
  const { target } = request;
  const kept = context.runtimes.of(present);
  const isSameImage = target.kind === 'word' && target.word === present.image && kept.runs !== 'nothing';
  const found: Subject = isSameImage
    ? {
        kind: 'own',
        source: { kind: 'image', image: present.image, defaultName: baseNameOf(present) },
        word: target.word,
        settings: target.server,
        defaultName: baseNameOf(present),
      }
    : await findSubject(context, request, { ...options, present });
  return found.kind === 'own' && kept.runs === 'packages'
    ? { ...found, settings: withProcessSettings(found.settings, present) }
    : found;
}

function requireGroup(context: Context, group: string): void {
  if (group !== '' && !groupExists(context.paths.state, group))
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group });
}

/** What a request to the API has no member for stays. */
function withProcessSettings(settings: ServerSettings, present: RunConfig): ServerSettings {
  return {
    ...settings,
    noSandbox: present.no_sandbox === true,
    allowInstallScripts: present.allow_install_scripts === true,
    learnedPermissionsFile: present.learn_permissions,
    jsRuntime: settings.jsRuntime ?? present.js_runtime,
  };
}
