import { ThvError } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import { baseNameOf, isProcess, isRemote, parseWorkloadName, type RunConfig } from '../records/index.ts';
import { requireApplicable } from './applicable-flags.ts';
import { checkRunnable } from './check-runnable.ts';
import type { Context } from './context.ts';
import { documentOf } from './run-document.ts';
import type { RunRequest, ServerSettings } from './run-request.ts';
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
  const name = parseWorkloadName(baseNameOf(present));
  const subject = await editedSubject(context, present, request, options);
  const needsEngine = subject.kind === 'own' && !isProcess(present);
  const engine = needsEngine ? await context.engine(options.signal) : undefined;
  if (subject.kind === 'own') {
    const target = targetOf(subject, engine === undefined ? 'process' : 'container');
    requireApplicable(askedOf(request, subject.settings), [target], present);
  }
  const config = await documentOf(context, engine, request, { ...options, name, subject, present });
  await checkRunnable(context, { engine, config }, options);
  return config;
}

async function editedSubject(
  context: Context,
  present: RunConfig,
  request: RunRequest,
  options: RunOptions,
): Promise<Subject> {
  const { target } = request;
  const isSameImage = target.kind === 'word' && target.word === present.image && !isRemote(present);
  const found: Subject = isSameImage
    ? {
        kind: 'own',
        source: { kind: 'image', image: present.image, defaultName: baseNameOf(present) },
        word: target.word,
        settings: target.server,
        defaultName: baseNameOf(present),
      }
    : await findSubject(context, request, { ...options, present });
  return found.kind === 'own' && isProcess(present)
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
    jsRuntime: settings.jsRuntime ?? present.js_runtime,
  };
}
