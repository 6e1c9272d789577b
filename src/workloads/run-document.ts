import type { Engine } from '../engine/index.ts';
import { within } from '../errors/index.ts';
import { refuseUnsupported } from '../host/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { buildRemoteConfig, buildRunConfig } from './build-run-config.ts';
import type { Context } from './context.ts';
import { fillEnvironment } from './fill-environment.ts';
import { imageOf } from './obtain-image.ts';
import { planRun } from './plan-run.ts';
import { findSurroundings, type Surroundings } from './resolve-proxy.ts';
import { resolveRemote } from './resolve-remote.ts';
import { permissionsOf, resolveServer } from './resolve-server.ts';
import type { RunRequest } from './run-request.ts';
import { ensureProcess, type ProcessSettings } from './runtime.ts';
import { finding, type OwnSubject, packageOf, type Subject } from './subject.ts';
import type { OperationOptions, RunInteraction } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

interface DocumentFacts extends RunOptions {
  readonly name: WorkloadName;
  readonly subject: Subject;
  /** What an edit changes. */
  readonly present?: RunConfig;
}

/**
 * From a request to the document that is saved: what the request does not say is found, then the document is built. Nothing is
 * written or started, so whatever is wrong leaves nothing behind.
 */
export async function documentOf(
  context: Context,
  engine: Engine | undefined,
  request: RunRequest,
  { name, subject, present, ...options }: DocumentFacts,
): Promise<RunConfig> {
  const surroundings = await findSurroundings(context, request.proxy, { name, ownPort: present?.port });
  if (subject.kind === 'own')
    return await serverDocument(context, engine, request, { ...options, subject, surroundings, present });
  const resolved = await resolveRemote(context, request, subject, { ...options, surroundings, present });
  const config = buildRemoteConfig(request, subject, resolved);
  await within('failed to validate run config', () => refuseUnsupported(config));
  return config;
}

interface ServerDocumentFacts extends RunOptions {
  readonly subject: OwnSubject;
  readonly surroundings: Surroundings;
  readonly present: RunConfig | undefined;
}

async function serverDocument(
  context: Context,
  engine: Engine | undefined,
  request: RunRequest,
  { subject, surroundings, present, ...options }: ServerDocumentFacts,
): Promise<RunConfig> {
  const { source, settings, word } = subject;
  const plan = await within('failed to validate run config', async () =>
    planRun(source, {
      given: {
        transport: request.transport,
        proxyPort: request.proxy.port,
        targetPort: settings.targetPort,
        serverArguments: settings.arguments,
        permissions: await permissionsOf(settings.permissions),
        tools: request.proxy.tools,
        toolsOverride: surroundings.toolsOverride,
      },
      stateless: request.proxy.stateless,
      fallbackTransport: request.fallbackTransport,
      registrySource: async () => (await context.registry()).source(),
    }),
  );
  const resolved = await resolveServer(request, settings, {
    surroundings,
    plan,
    runsAs: engine === undefined ? 'process' : 'container',
    present,
    image: (permission_profile) =>
      within(finding(word), () =>
        engine === undefined
          ? ensureProcess(context, { ...processOf(subject, present), permission_profile }, options)
          : imageOf(context, engine, source, settings, options),
      ),
    fill: (provided) => fillEnvironment(context, plan.variables, provided, options),
    logger: context.logger,
  });
  return buildRunConfig(request, settings, resolved);
}

function processOf(subject: OwnSubject, present: RunConfig | undefined): ProcessSettings {
  const { noSandbox, allowInstallScripts, jsRuntime, runtimeOverride } = subject.settings;
  return {
    ...present,
    image: packageOf(subject),
    no_sandbox: noSandbox,
    allow_install_scripts: allowInstallScripts,
    js_runtime: jsRuntime === 'auto' ? undefined : jsRuntime,
    runtime_config: runtimeOverride,
  };
}
