import { readFileSync, readSync, writeSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { ThvError } from '../../errors/index.ts';
import { check, libc } from './calls.ts';
import { closeDescriptor } from './sockets.ts';

/**
 * Packets to an address of the machine that a network namespace does not know go out of it, to whatever connects it with the rest,
 * and from there to the machine's own services. So each is given to the namespace too: there nobody listens.
 */

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const RTM_NEWADDR = 20;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_CREATE = 0x400;
const IFA_F_NODAD = 2;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const EEXIST = 17;
const ENODEV = 19;
const LOOPBACK = 1;
const WAIT_MS = 5000;
const LOOK_MS = 2;

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');

/** Waits until the namespace is connected. Throws `ERR_SANDBOX_FAILED` when nobody does it. */
export function awaitRoute(): void {
  for (const deadline = performance.now() + WAIT_MS; outgoingInterface() === undefined; ) {
    if (performance.now() > deadline)
      throw new ThvError('ERR_SANDBOX_FAILED', { reason: 'the network did not come up in time' });
    Bun.sleepSync(LOOK_MS);
  }
}

/** Gives this network namespace addresses of the machine. Needs the right to administer it. */
export function takeAddresses(addresses: readonly string[]): void {
  const fd = check(libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 'netlink socket');
  try {
    for (const address of addresses) {
      // One of the link means nothing on another interface.
      const isOfLink = isIP(address) === 6 && LINK_LOCAL.check(address, 'ipv6');
      const index = isOfLink ? indexOf(outgoingInterface() ?? '') : LOOPBACK;
      if (index === undefined) continue;
      writeSync(fd, addressMessage(address, index));
      const answer = Buffer.alloc(1024);
      readSync(fd, answer, 0, answer.length, null);
      // struct nlmsgerr behind the header.
      const error = -answer.readInt32LE(16);
      if (error === 0 || error === EEXIST) continue;
      const reason =
        error === ENODEV
          ? 'the network of the server is lost: its interface is gone'
          : `address ${address} cannot be taken: error ${error}`;
      throw new ThvError('ERR_SANDBOX_FAILED', { reason });
    }
  } finally {
    closeDescriptor(fd);
  }
}

/** rtnetlink(7): `nlmsghdr`, `ifaddrmsg`, and the address twice, as a local one has it. */
function addressMessage(address: string, index: number): Buffer {
  const bytes = bytesOf(address);
  const attribute = (type: number) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(4 + bytes.length, 0);
    head.writeUInt16LE(type, 2);
    return Buffer.concat([head, bytes]);
  };
  const body = Buffer.alloc(8);
  body[0] = bytes.length === 4 ? AF_INET : AF_INET6;
  body[1] = bytes.length * 8;
  body[2] = bytes.length === 4 ? 0 : IFA_F_NODAD;
  body.writeUInt32LE(index, 4);
  const payload = Buffer.concat([body, attribute(IFA_LOCAL), attribute(IFA_ADDRESS)]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + payload.length, 0);
  header.writeUInt16LE(RTM_NEWADDR, 4);
  header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 6);
  return Buffer.concat([header, payload]);
}

function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // Written out in full.
  return Buffer.from(address.replaceAll(':', ''), 'hex');
}

/** The interface of a default route, of either protocol. */
function outgoingInterface(): string | undefined {
  return (
    /^(\S+)\t00000000\t(?:\S+\t){5}00000000\t/m.exec(read('/proc/net/route'))?.[1] ??
    /^0{32} 00 0{32} 00 [0-9a-f]{32} \S+ \S+ \S+ \S+ +(?!lo$)(\S+)$/m.exec(read('/proc/net/ipv6_route'))?.[1]
  );
}

function indexOf(name: string): number | undefined {
  const line = read('/proc/net/if_inet6')
    .split('\n')
    .find((each) => each.trim().split(/\s+/).at(-1) === name);
  const index = line?.split(' ')[1];
  return index === undefined ? undefined : Number.parseInt(index, 16);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a kernel without the protocol
  }
}
