import type { ContainerSpec } from '../../engine/index.ts';
import { ThvError, within } from '../../errors/index.ts';
import { LABEL, standardLabels } from '../../records/index.ts';
import type { Auxiliary, AuxiliaryProgram } from '../runtime.ts';
import { findByExactName, isUp } from './containers.ts';
import type { EngineAccess } from './engine-access.ts';
import { retrieveImage } from './retrieve-image.ts';

/** Time to remove what did not come up, whatever has been cancelled. */
const REMOVAL_TIMEOUT_MS = 30_000;

/** A program of ours in a container that belongs to no workload. */
export async function openAuxiliary(
  access: EngineAccess,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Auxiliary> {
  const engine = await within('failed to create container runtime', () => access.engine(signal));
  let id = name;
  return {
    async requireFree() {
      const existing = await findByExactName(engine, name, signal);
      if (existing === undefined) return;
      const isOurs = existing.Config.Labels?.[LABEL.auxiliary] === 'true';
      if (!isOurs) throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
      if (isUp(existing)) {
        throw new ThvError(
          'ERR_INPUT_INVALID',
          { reason: `an ${name} is already running` },
          { hint: `remove it with 'thv rm ${name}'` },
        );
      }
      await engine.containers.remove(existing.Id, { force: true, signal });
    },
    async start(program, { progress }) {
      const { digest } = await retrieveImage(engine, program.image, {
        progress,
        signal,
        logger: access.logger,
        owner: 'program',
      });
      const created = await within('failed to create container', () =>
        engine.containers.create(name, specOf(name, program), { imageId: digest, signal }),
      );
      id = created.id;
      try {
        await within('failed to start container', () => engine.containers.start(id, { signal }));
      } catch (error) {
        await engine.containers.remove(id, { force: true }).catch(() => undefined); // the first failure is the one to tell
        throw error;
      }
    },
    async findEnd() {
      const details = await engine.containers.find(id);
      // Podman says `stopped` for a moment, and knows the exit code only after it.
      const isEnded =
        details === undefined || details.State.Status === 'exited' || details.State.Status === 'dead';
      return isEnded ? { exitCode: details?.State.ExitCode } : undefined;
    },
    remove: () =>
      engine.containers.remove(id, { force: true, signal: AbortSignal.timeout(REMOVAL_TIMEOUT_MS) }),
  };
}

function specOf(name: string, { image, environment, ports, labelledPort }: AuxiliaryProgram): ContainerSpec {
  const tcp = ports.map(String);
  return {
    Image: image,
    Env: Object.entries(environment).map(([variable, value]) => `${variable}=${value}`),
    Labels: {
      ...standardLabels({ containerName: name, baseName: name, transport: name, port: labelledPort }),
      [LABEL.auxiliary]: 'true',
      [LABEL.networkIsolation]: 'false',
    },
    ExposedPorts: Object.fromEntries(tcp.map((port) => [`${port}/tcp`, {}])),
    HostConfig: {
      NetworkMode: 'bridge',
      CapDrop: ['ALL'],
      SecurityOpt: ['label:disable', 'no-new-privileges'],
      // Nobody supervises it: one that ends stays ended, and says why.
      RestartPolicy: { Name: 'no' },
      // Docker Desktop knows the name by itself.
      ExtraHosts: ['host.docker.internal:host-gateway'],
      PortBindings: Object.fromEntries(
        tcp.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: port }]]),
      ),
    },
  };
}
