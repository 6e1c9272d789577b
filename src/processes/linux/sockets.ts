import { ptr } from 'bun:ffi';
import { ThvError } from '../../errors/index.ts';
import { check, libc } from './calls.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const F_SETFD = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const BACKLOG = 128;

/** Two connected sockets that file descriptors can be sent over. */
export function socketPair(): readonly [number, number] {
  const pair = new Int32Array(2);
  check(libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 'socket pair');
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/** A listening TCP socket on 127.0.0.1, in the network namespace of this process. `port` 0 takes any. */
export function listenOnLoopback(port: number): number {
  const fd = check(libc().socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket');
  check(libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4), 'socket option');
  // struct sockaddr_in: the family in the machine's order, port and address in the network's.
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, AF_INET, true);
  address.setUint16(2, port, false);
  address.setUint32(4, 0x7f00_0001, false);
  try {
    check(libc().bind(fd, new Uint8Array(address.buffer), 16), `bind to port ${port}`);
    check(libc().listen(fd, BACKLOG), `listen on port ${port}`);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return fd;
}

/** A network namespace is born with its loopback interface down. */
export function bringLoopbackUp(): void {
  const fd = check(libc().socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket');
  // struct ifreq: the name, then the flags.
  const request = new Uint8Array(40);
  request.set(Buffer.from('lo'));
  check(libc().ioctl(fd, BigInt(SIOCGIFFLAGS), request), 'loopback interface');
  request[16] = (request[16] ?? 0) | IFF_UP;
  check(libc().ioctl(fd, BigInt(SIOCSIFFLAGS), request), 'loopback interface');
  closeDescriptor(fd);
}

export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** Whether a descriptor lives on in what this process becomes. */
export function keepOnExec(fd: number, keep: boolean): void {
  libc().fcntl(fd, F_SETFD, keep ? 0 : 1);
}

/** Sends `fd` over one end of a socket pair (unix(7), SCM_RIGHTS). */
export function sendDescriptor(over: number, fd: number): void {
  const message = emptyMessage();
  message.control.setInt32(16, fd, true);
  check(libc().sendmsg(over, message.header, 0), 'send a socket');
}

/** The descriptor sent to the other end. Throws `ERR_SANDBOX_FAILED` when none has arrived. */
export function receiveDescriptor(over: number): number {
  const message = emptyMessage();
  check(libc().recvmsg(over, message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 'receive a socket');
  const fd = message.control.getInt32(16, true);
  if (fd < 0) throw new ThvError('ERR_SANDBOX_FAILED', { reason: 'no socket was sent' });
  return fd;
}

/** A message of one byte with room for one descriptor: `struct msghdr`, `iovec` and `cmsghdr`. */
function emptyMessage() {
  const payload = new Uint8Array(1);
  const vector = new BigUint64Array([BigInt(ptr(payload)), 1n]);
  const control = new DataView(new ArrayBuffer(24));
  control.setBigUint64(0, 20n, true);
  control.setInt32(8, SOL_SOCKET, true);
  control.setInt32(12, SCM_RIGHTS, true);
  control.setInt32(16, -1, true);
  const header = new BigUint64Array(7);
  header[2] = BigInt(ptr(vector));
  header[3] = 1n;
  header[4] = BigInt(ptr(new Uint8Array(control.buffer)));
  header[5] = 24n;
  return { header, control, vector, payload };
}
