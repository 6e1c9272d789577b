import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Hono } from 'hono';
import { messageOf, ThvError } from '../errors/index.ts';
import { type Logger, NEVER_IDLE, type Paths, writeFileAtomic } from '../platform/index.ts';
import { addressRecord, controlAddresses, isPrivateAddress } from './control-address.ts';
import { askHello } from './host-client.ts';

/** How soon a deleted socket is missed. */
const LOOK_EVERY_MS = 1000;

/** The control socket of a living host. */
export interface ControlListener {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Where the host is told what to do. A socket that somebody deletes is replaced: the folder of a login session goes when its user
 * logs out, and the host stays. Throws `ERR_LISTEN_FAILED` when no address can be had.
 */
export async function openControl(paths: Paths, app: Hono, logger: Logger): Promise<ControlListener> {
  let present = await listenSomewhere(paths, app, logger);
  let reopening: Promise<void> | undefined;

  async function reopen(): Promise<void> {
    logger.warn('the control socket was deleted, another one is opened', { address: present.address });
    await present.server.stop(true);
    present = await listenSomewhere(paths, app, logger);
    logger.info('the control socket is open again', { address: present.address });
  }

  async function recordAgain(): Promise<void> {
    present.isRecorded = await recordAddress(paths, present.address, logger);
  }

  const watch = setInterval(() => {
    const isThere = present.id === fileId(present.address);
    if (isThere && !present.isRecorded) void recordAgain();
    if (isThere) return;
    reopening ??= reopen()
      .catch((error: unknown) => logger.error('no control socket', { error }))
      .finally(() => {
        reopening = undefined;
      });
  }, LOOK_EVERY_MS);

  return {
    get address() {
      return present.address;
    },
    async stop() {
      clearInterval(watch);
      await reopening;
      await present.server.stop(true);
      // Another program may have put its own socket there, which must stay.
      if (present.id === fileId(present.address)) removeQuietly(present.address);
      removeQuietly(addressRecord(paths));
    },
  };
}

/** At the first address where no living host of another state folder is and where this user may make a socket. */
async function listenSomewhere(paths: Paths, app: Hono, logger: Logger) {
  const addresses = controlAddresses(paths);
  const problems: string[] = [];
  for (const address of addresses) {
    if ((await askHello(address)) !== undefined) {
      problems.push(`${address}: the host of another state folder is there`);
      continue;
    }
    try {
      const server = listenAt(address, app);
      const isRecorded = await recordAddress(paths, address, logger);
      return { address, server, id: fileId(address), isRecorded };
    } catch (error) {
      problems.push(`${address}: ${messageOf(error)}`);
    }
  }
  throw new ThvError('ERR_LISTEN_FAILED', {
    address: addresses.join(', '),
    reason: `no address can be had for the control socket: ${problems.join('; ')}`,
  });
}

/** Without the record, commands of shells with other variables do not find us; the others look where we are. */
async function recordAddress(paths: Paths, address: string, logger: Logger): Promise<boolean> {
  try {
    await writeFileAtomic(addressRecord(paths), address, { directoryMode: 0o700 });
    return true;
  } catch (error) {
    logger.debug('address of the control socket not recorded', { address, error });
    return false;
  }
}

/** Only the same user may connect: the folder is 0700 and the socket 0600. */
function listenAt(address: string, app: Hono) {
  if (process.platform !== 'win32') {
    mkdirSync(dirname(address), { recursive: true, mode: 0o700 });
    if (!isPrivateAddress(address)) {
      const reason = `the folder belongs to another user: ${dirname(address)}`;
      throw new ThvError('ERR_LISTEN_FAILED', { address, reason });
    }
    chmodSync(dirname(address), 0o700);
    rmSync(address, { force: true });
  }
  const server = Bun.serve({
    ...NEVER_IDLE, // ending a run waits for its calls, and for its server's grace
    unix: address,
    async fetch(request) {
      const response = await app.fetch(request);
      // An idle connection cannot be timed on such a socket, nor can the rest of a body that nobody wants.
      response.headers.set('Connection', 'close');
      return response;
    },
  });
  if (process.platform !== 'win32') chmodSync(address, 0o600);
  return server;
}

/** Tells a socket from another one at the same path; pipes of Windows are no files. */
function fileId(address: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const { dev, ino } = statSync(address, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return 'none';
  }
}

/** What cannot be removed leads to nobody, which commands find out by asking. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // a folder that became read-only
  }
}
