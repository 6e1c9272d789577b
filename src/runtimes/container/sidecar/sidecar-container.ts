import type { ContainerDetails, Engine } from '../../../engine/index.ts';
import { hasCode, within } from '../../../errors/index.ts';
import type { Logger } from '../../../platform/index.ts';
import { LABEL, type ResolvedImage } from '../../../records/index.ts';
import {
  containerSpec,
  EXTERNAL_NETWORK,
  type PlannedContainer,
  sharedNetwork,
} from '../../../sandbox/index.ts';
import { CONTROL_PORT, DIGEST_VARIABLE } from '../../../sidecar/index.ts';
import { withoutLimits } from '../container-limits.ts';
import { isUp } from '../containers.ts';

/** The state folder that a sidecar belongs to, for people who look at containers. */
export const STATE_LABEL = 'toolhive-egress-state';

const MIB = 1024 ** 2;
/** Rests at 40 MB; a connection through it holds up to 0.1 MB while one end is slower than the other. */
const MEMORY_BYTES = 256 * MIB;
const MAX_THREADS = 64;

interface SidecarFacts {
  readonly name: string;
  readonly image: ResolvedImage;
  readonly tokenDigest: string;
  readonly stateFolder: string;
}

/** What the sidecar's container is made of. It joins the networks of workloads while it runs. */
export function planSidecar({ name, image, tokenDigest, stateFolder }: SidecarFacts): PlannedContainer {
  return {
    role: 'egress',
    name,
    image,
    command: [],
    environment: { [DIGEST_VARIABLE]: tokenDigest },
    labels: {
      [LABEL.managed]: 'true',
      [LABEL.auxiliaryWorkload]: 'true',
      [LABEL.name]: name,
      [STATE_LABEL]: stateFolder,
    },
    interactive: false,
    privileged: false,
    hardening: {
      readOnlyRoot: true,
      user: '65532:65532',
      sysctls: {
        // It is in all networks, and no router between them.
        'net.ipv4.ip_forward': '0',
        // DNS is answered at port 53, by a user without rights.
        'net.ipv4.ip_unprivileged_port_start': '0',
      },
    },
    mounts: [],
    ports: [{ containerPort: CONTROL_PORT, hostAddress: '127.0.0.1', hostPort: undefined }],
    networkMode: '',
    networks: [{ network: EXTERNAL_NETWORK }],
    limits: { memoryBytes: MEMORY_BYTES, cpus: undefined, pids: MAX_THREADS },
    givenLimits: {},
  };
}

/** The sidecar's container, up; `existing` is what is there under its name. */
export async function startSidecar(
  engine: Engine,
  planned: PlannedContainer,
  existing: ContainerDetails | undefined,
  logger: Logger,
): Promise<void> {
  if (existing !== undefined && isUp(existing)) return;
  if (existing !== undefined) {
    try {
      return await engine.containers.start(existing.Id);
    } catch (error) {
      // For instance when a network that it was in is gone.
      logger.debug('the egress sidecar does not start again and is made anew', { error });
      await engine.containers.remove(existing.Id, { force: true });
    }
  }
  await within('failed to set up egress proxy', () => create(engine, planned, logger));
}

async function create(engine: Engine, planned: PlannedContainer, logger: Logger): Promise<void> {
  const { name, labels } = sharedNetwork();
  const network = await engine.networks.ensure(name, { labels });
  const spec = containerSpec(planned, engine.kind === 'docker' ? new Map([[name, network]]) : new Map());
  const imageId = typeof planned.image === 'string' ? undefined : planned.image.digest;
  const post = (settings: typeof spec) => engine.containers.create(planned.name, settings, { imageId });
  const { id } = await post(spec).catch((error: unknown) => {
    if (!hasCode(error, 'ERR_ENGINE_REQUEST') || error.facts.refusal !== 'cannot-limit') throw error;
    logger.warn('the engine cannot limit what a container uses: the egress sidecar runs without limits', {
      error,
    });
    return post(withoutLimits(spec));
  });
  try {
    await engine.containers.start(id);
  } catch (error) {
    await engine.containers.remove(id, { force: true }).catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
}
