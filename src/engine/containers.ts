import { hasCode, ThvError } from '../errors/index.ts';
import { givenUp, sleep } from '../platform/index.ts';
import { attachStdio } from './attach.ts';
import type { Call, EngineHttp, Failure } from './http.ts';
import { isSameImageId } from './image-reference.ts';
import { readLogs } from './logs.ts';
import { helpDeaf } from './stop.ts';
import type {
  ContainerDetails,
  ContainerSpec,
  ContainerSummary,
  Containers,
  Engine,
  Waiting,
} from './types.ts';
import { waitForEnd } from './wait.ts';

interface Created {
  readonly Id: string;
  readonly Warnings: readonly string[] | null;
}

/** Time the engine itself needs around the grace period of a stop. */
const STOP_MARGIN_MS = 60_000;
/** Creating and starting may wait for volumes, networks and a cold disk. */
const CREATE_TIMEOUT_MS = 180_000;
const REMOVE_ATTEMPTS = 5;
const REMOVE_RETRY_MS = 300;

/** Containers of one engine (spec 03 §3). `http` speaks the negotiated version. */
export function createContainers(http: EngineHttp, apiVersion: string, kind: Engine['kind']): Containers {
  const of = (idOrName: string) => `/containers/${encodeURIComponent(idOrName)}`;

  async function find(idOrName: string, options: Waiting = {}): Promise<ContainerDetails | undefined> {
    return absentAsUndefined(
      http.json<ContainerDetails>({
        method: 'GET',
        path: `${of(idOrName)}/json`,
        explain: notFound(idOrName),
        ...options,
      }),
    );
  }

  async function get(idOrName: string, options: Waiting): Promise<ContainerDetails> {
    const details = await find(idOrName, options);
    if (details === undefined) throw new ThvError('ERR_CONTAINER_NOT_FOUND', { container: idOrName });
    return details;
  }

  /** POST without an answer worth reading; 304 says that it was so already. */
  async function act(idOrName: string, action: string, call: Partial<Call>): Promise<void> {
    await http.send({
      method: 'POST',
      path: `${of(idOrName)}/${action}`,
      accept: [304],
      explain: notFound(idOrName),
      ...call,
    });
  }

  const kill: Containers['kill'] = (idOrName, { processSignal, signal } = {}) =>
    act(idOrName, 'kill', { query: { signal: processSignal }, explain: notRunning(idOrName), signal });

  const remove: Containers['remove'] = async (idOrName, { force, signal } = {}) => {
    for (let attempt = 1; ; attempt++) {
      try {
        await http.send({
          method: 'DELETE',
          path: of(idOrName),
          query: { force: force ? 1 : undefined },
          accept: [404],
          timeoutMs: CREATE_TIMEOUT_MS,
          signal,
        });
        return;
      } catch (error) {
        // A container that ends, or is removed, at this very moment: Podman 4.3 fails to stop what has stopped
        // ("container state improper"), Docker says that a removal is in progress. A moment later it is simple.
        if (!force || attempt >= REMOVE_ATTEMPTS || !isRefusal(error) || signal?.aborted) throw error;
        await sleep(REMOVE_RETRY_MS, signal);
      }
    }
  };

  const post = (name: string, spec: ContainerSpec) =>
    http.json<Created>({
      method: 'POST',
      path: '/containers/create',
      query: { name },
      json: spec,
      timeoutMs: CREATE_TIMEOUT_MS,
    });

  /** Creates under the image's name, which people see; by id when the name has moved to another image or is gone. */
  async function createOf(imageId: string, name: string, spec: ContainerSpec): Promise<Created> {
    const createById = () => post(name, { ...spec, Image: imageId });
    let created: Created;
    try {
      created = await post(name, spec);
    } catch (error) {
      if (!hasCode(error, 'ERR_ENGINE_REQUEST') || error.facts.status !== 404) throw error;
      return await createById().catch((second: unknown) => {
        throw isRefusal(second) ? error : second; // the name is what people know it by
      });
    }
    const details = await find(created.Id);
    if (details === undefined || isSameImageId(details.Image, imageId)) return created;
    await remove(created.Id, { force: true });
    return await createById();
  }

  return {
    list: (query, options = {}) =>
      http.json<ContainerSummary[]>({
        method: 'GET',
        path: '/containers/json',
        query: { all: query.all ? 1 : undefined, filters: filtersOf(query) },
        ...options,
      }),

    find,

    async create(name, spec, { imageId, signal } = {}) {
      const cancelled = (reason: AbortSignal) =>
        givenUp(reason, { timedOut: 'creating the container timed out', cancelled: 'creation canceled' });
      if (signal?.aborted) throw cancelled(signal);
      const answer = imageId === undefined ? await post(name, spec) : await createOf(imageId, name, spec);
      if (signal?.aborted) {
        await remove(answer.Id, { force: true });
        throw cancelled(signal);
      }
      return { id: answer.Id, warnings: answer.Warnings ?? [] };
    },

    start: (idOrName, options = {}) => act(idOrName, 'start', { timeoutMs: CREATE_TIMEOUT_MS, ...options }),

    async stop(idOrName, { graceSeconds, signal }) {
      const stopped = new AbortController();
      // A help only: how the stop went is told by the engine.
      const helping = helpDeaf({ find, kill }, idOrName, stopped.signal).catch(() => undefined);
      try {
        await act(idOrName, 'stop', {
          query: { t: graceSeconds },
          timeoutMs: graceSeconds * 1000 + STOP_MARGIN_MS,
          signal,
        });
      } finally {
        stopped.abort();
        await helping;
      }
    },

    kill,

    remove,

    async wait(idOrName, options = {}) {
      const call = { explain: notFound(idOrName), ...options };
      const exitCode = await waitForEnd(http, kind, of(idOrName), call);
      // Podman 4.3 may answer -1 for a container that had ended before it was asked.
      return { exitCode: exitCode >= 0 ? exitCode : (await get(idOrName, options)).State.ExitCode };
    },

    logs: (idOrName, query = {}) =>
      readLogs(http, {
        path: `${of(idOrName)}/logs`,
        container: idOrName,
        explain: notFound(idOrName),
        ...query,
      }),

    attach: (idOrName, receiver, options = {}) =>
      attachStdio(
        {
          address: http.address,
          path: `/v${apiVersion}${of(idOrName)}/attach`,
          container: idOrName,
          // Docker calls a container running that waits to be restarted; its stream would be silent.
          isRunning: async (waiting) => {
            const { State } = await get(idOrName, waiting);
            return State.Running && !State.Restarting;
          },
          ...options,
        },
        receiver,
      ),
  };
}

function filtersOf(query: {
  readonly labels?: readonly string[];
  readonly name?: string;
}): string | undefined {
  const filters = {
    ...(query.labels === undefined || query.labels.length === 0 ? {} : { label: query.labels }),
    ...(query.name === undefined ? {} : { name: [query.name] }),
  };
  return Object.keys(filters).length === 0 ? undefined : JSON.stringify(filters);
}

/** Docker answers the start of a container whose network was removed meanwhile with 404 too; trying again helps there. */
function notFound(container: string) {
  return (failure: Failure) =>
    failure.kind === 'refused' && failure.status === 404 && !/\bnetwork\b/i.test(failure.message)
      ? new ThvError('ERR_CONTAINER_NOT_FOUND', { container })
      : undefined;
}

/**
 * Docker refuses to kill what does not run with 409, Podman 4.3 with 500 and the other words, the last ones for what ends in that
 * very moment; neither says it by other means.
 */
function notRunning(container: string) {
  return (failure: Failure) =>
    failure.kind === 'refused' &&
    /is not running|can only kill running containers|container state improper/.test(failure.message)
      ? new ThvError('ERR_CONTAINER_NOT_RUNNING', {
          container,
          reason: `container not running: ${failure.message} (container: ${container})`,
        })
      : notFound(container)(failure);
}

async function absentAsUndefined<Details>(answer: Promise<Details>): Promise<Details | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ThvError && error.code === 'ERR_CONTAINER_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The engine answered and would not: trying again can help, unlike with an engine that cannot be reached. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, 'ERR_ENGINE_REQUEST');
}
