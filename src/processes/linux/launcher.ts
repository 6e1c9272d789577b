import { writeSync } from 'node:fs';
import { hasCode, messageOf } from '../../errors/index.ts';
import { PROGRAM, type ViewEntry, writablePaths } from '../filesystem-view.ts';
import { readOrder } from '../order.ts';
import { supervise } from '../supervise.ts';
import { execute } from './calls.ts';
import { confine } from './landlock.ts';
import { awaitRoute, takeAddresses } from './own-addresses.ts';
import { dieWithParent, dropCapabilities, forbidNewPrivileges, limit } from './privileges.ts';
import { probe } from './probe.ts';
import { relay } from './relay.ts';
import { changeFolder, enterView, takeHostName } from './root.ts';
import { filterSystemCalls } from './seccomp.ts';
import { settle } from './settle.ts';
import { bringLoopbackUp, keepOnExec, listenOnLoopback, sendDescriptor } from './sockets.ts';
import { type StageOrder, takeStage } from './staging.ts';

/** What the launcher inside the namespaces is told, ahead of the server's input; it answers on `CONTROL` with one `LaunchReport`. */
export interface LaunchOrder {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly view: readonly ViewEntry[];
  /** Bubblewrap has put the view in place already. */
  readonly isViewInPlace: boolean;
  /** Port inside the namespace whose listening socket is sent over `SOCKETS`, for the proxy outside to accept on. */
  readonly egressPort: number | undefined;
  /** Port of the server inside that the listening socket `INGRESS` leads to. */
  readonly ingressPort: number | undefined;
  /** The process is alone in a network namespace. */
  readonly ownNetwork: boolean;
  readonly limits: { readonly processes: number | undefined; readonly openFiles: number | undefined };
}

/** Sent to the launcher after its first report, when the outside has done its part. */
export interface ProceedOrder {
  /** Addresses of the machine that the namespace takes, once it is connected; absent when it is not to be connected, or has them already. */
  readonly addresses?: readonly string[] | undefined;
}

/** The first one says that the view is in place, the second that the process is about to start. */
export interface LaunchReport {
  /** Why the process could not be started. */
  readonly problem?: string;
}

/** What a server believes to run on. */
export const HOST_NAME = 'thv';
/** Descriptors of the launcher beside the server's own three. */
export const CONTROL = 3;
export const SOCKETS = 4;
export const INGRESS = 5;

/**
 * Process 1 of the namespace: passes signals on to all, takes in orphans, and ends with the server; with it everything ends.
 * It stands between so that no server has to be a process 1, which the kernel treats differently. It makes sure that it is, for
 * the signals it passes on go to everybody there is: in this namespace, not on the machine. What the shell itself has to say, such as
 * "Terminated", is kept out of the server's log.
 */
const INIT = `
[ "$$" = 1 ] || exit 125
trap 'kill -TERM -1 2>/dev/null' TERM INT HUP
if [ -n "$1" ]; then
  ( unset BUN_BE_BUN BUN_OPTIONS NODE_OPTIONS; exec "$2" __sandbox relay "$1" </dev/null >/dev/null ) &
fi
shift 2
exec ${INGRESS}<&- 9<&0 </dev/null
"$@" <&9 9<&- &
server=$!
exec 9<&- >/dev/null 2>&1
while :; do
  wait "$server"
  status=$?
  kill -0 "$server" 2>/dev/null || exit "$status"
done
`;

/** `thv __sandbox …`: the parts of the executable that run in, or lead into, a sandbox. */
export async function runSandboxPart(words: readonly string[]): Promise<number> {
  const [part, ...rest] = words;
  switch (part) {
    case 'guard':
      return guard(rest);
    case 'launch':
      return launch();
    case 'relay':
      return relay(Number(rest[0]), INGRESS);
    case 'probe':
      return probe(rest);
    case 'settle':
      return settle(rest);
    case 'supervise':
      return supervise();
    default:
      return USAGE;
  }
}

const USAGE = 2;
const FAILED = 125;

export interface GuardOrder {
  /** Process id of who must be there. */
  readonly parent: number;
  /** Absent where the user who wants the process is none of the kernel's roots. */
  readonly stage?: StageOrder;
}

/** Ties a program that would outlive its parent, `unshare`, to it, and makes it nobody's where its parent is root. */
function guard([order = '', path = '', ...args]: readonly string[]): number {
  const { parent, stage }: GuardOrder = JSON.parse(order);
  dieWithParent();
  // It died before we asked to die with it.
  if (process.ppid !== parent) return FAILED;
  if (stage !== undefined) takeStage(stage);
  // Our runtime would close what is not its own.
  for (const fd of [CONTROL, SOCKETS, INGRESS]) keepOnExec(fd, true);
  return execute(path, args, { PATH: process.env['PATH'] ?? '' });
}

function launch(): number {
  try {
    dieWithParent();
    const order = readOrder<LaunchOrder>();
    enter(order);
    report({});
    const { addresses } = readOrder<ProceedOrder>();
    if (addresses !== undefined) {
      awaitRoute();
      takeAddresses(addresses);
    }
    lockUp(order);
    report({});
    const [program = '', ...args] = order.command;
    const ingress = order.ingressPort === undefined ? '' : String(order.ingressPort);
    return execute('/bin/sh', ['-c', INIT, 'thv', ingress, PROGRAM, program, ...args], order.env);
  } catch (error) {
    report({ problem: hasCode(error, 'ERR_SANDBOX_FAILED') ? error.facts.reason : messageOf(error) });
    return FAILED;
  }
}

/** What takes rights in the namespaces. */
function enter(order: LaunchOrder): void {
  if (order.ownNetwork && !order.isViewInPlace) bringLoopbackUp();
  if (!order.isViewInPlace) {
    takeHostName(HOST_NAME);
    enterView(order.view);
  }
  changeFolder(order.cwd);
  if (order.egressPort !== undefined) sendDescriptor(SOCKETS, listenOnLoopback(order.egressPort));
}

/** In an order in which each step still may what it has to do. */
function lockUp(order: LaunchOrder): void {
  limit('core', 0);
  if (order.limits.processes !== undefined) limit('processes', order.limits.processes);
  if (order.limits.openFiles !== undefined) limit('openFiles', order.limits.openFiles);
  dropCapabilities();
  forbidNewPrivileges();
  confine({ readOnly: ['/'], writable: writablePaths(order.view) });
  filterSystemCalls();
  for (const fd of [CONTROL, SOCKETS]) keepOnExec(fd, false);
  keepOnExec(INGRESS, order.ingressPort !== undefined);
}

function report(facts: LaunchReport): void {
  writeSync(CONTROL, `${JSON.stringify(facts)}\n`);
}
