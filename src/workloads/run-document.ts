import { during, within } from '../errors/index.ts';
import { refuseUnsupported } from '../host/index.ts';
import { boundManifestOf, type RunConfig, type WorkloadName } from '../records/index.ts';
import type { Order, Runtime } from '../runtimes/index.ts';
import { buildRemoteConfig, buildRunConfig } from './build-run-config.ts';
import type { Context } from './context.ts';
import { fillEnvironment } from './fill-environment.ts';
import type { Origin } from './make-runnable.ts';
import { planRun } from './plan-run.ts';
import { findSurroundings, type Surroundings } from './resolve-proxy.ts';
import { resolveRemote } from './resolve-remote.ts';
import { permissionsOf, resolveServer } from './resolve-server.ts';
import type { RunRequest } from './run-request.ts';
import { finding, type OwnSubject, packageOf, type Subject } from './subject.ts';
import type { OperationOptions, RunInteraction } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

interface DocumentFacts extends RunOptions {
  readonly name: WorkloadName;
  readonly subject: Subject;
  /** What an edit changes. */
  readonly present?: RunConfig;
}

export interface Made {
  readonly config: RunConfig;
  /** Its server is here already, so that nothing is left to prepare. */
  readonly isReady: boolean;
  readonly origin?: Origin | undefined;
}

/**
 * From a request to the document that is saved: what the request does not say is found, then the document is built. Nothing is
 * written or started, so whatever is wrong leaves nothing behind.
 */
export async function documentOf(
  context: Context,
  runtime: Runtime,
  request: RunRequest,
  { name, subject, present, ...options }: DocumentFacts,
): Promise<Made> {
  const surroundings = await findSurroundings(context, request.proxy, { name, ownPort: present?.port });
  if (subject.kind === 'own')
    return await serverDocument(context, runtime, request, { ...options, subject, surroundings, present });
  const resolved = await resolveRemote(context, request, subject, { ...options, surroundings, present });
  const config = buildRemoteConfig(request, subject, resolved);
  await during('STEP_RUN_CONFIG', async () => refuseUnsupported(config));
  return { config, isReady: true };
}

interface ServerDocumentFacts extends RunOptions {
  readonly subject: OwnSubject;
  readonly surroundings: Surroundings;
  readonly present: RunConfig | undefined;
}

async function serverDocument(
  context: Context,
  runtime: Runtime,
  request: RunRequest,
  { subject, surroundings, present, ...options }: ServerDocumentFacts,
): Promise<Made> {
  const { source, settings, word } = subject;
  const plan = await during('STEP_RUN_CONFIG', async () =>
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
  let isReady = false;
  const resolved = await resolveServer(request, settings, {
    surroundings,
    plan,
    runtime,
    present,
    image: (permission_profile) =>
      within(finding(word), async () => {
        const order = orderOf(subject, present);
        const obtained = await runtime.obtain(
          { ...order, settings: { ...order.settings, permission_profile } },
          options,
        );
        isReady = obtained.isReady;
        return obtained.image;
      }),
    fill: (provided) => fillEnvironment(context, plan.variables, provided, options),
    logger: context.logger,
  });
  const built = buildRunConfig(request, settings, resolved);
  const entry = source.kind === 'entry' ? source.entry : undefined;
  return { config: keepVerified(present, built), isReady, origin: { word, entry } };
}

/** An edit asks no less of an image than the run did, and an image that stays needs not be verified again. */
function keepVerified(present: RunConfig | undefined, wanted: RunConfig): RunConfig {
  const { image_verification } = present ?? {};
  if (present === undefined || image_verification === undefined) return wanted;
  const isBound = present.image === wanted.image && boundManifestOf(present) !== undefined;
  return { ...wanted, image_verification, ...(isBound ? { resolved_image: present.resolved_image } : {}) };
}

function orderOf(subject: OwnSubject, present: RunConfig | undefined): Order {
  const { source } = subject;
  const { noSandbox, allowInstallScripts, jsRuntime, runtimeOverride, caCertificate } = subject.settings;
  return {
    source: source.kind === 'entry' ? { kind: 'image', image: source.entry.image } : source,
    packageName: packageOf(subject),
    caCertificate,
    settings: {
      ...present,
      no_sandbox: noSandbox,
      allow_install_scripts: allowInstallScripts,
      js_runtime: jsRuntime === 'auto' ? undefined : jsRuntime,
      runtime_config: runtimeOverride,
    },
  };
}
