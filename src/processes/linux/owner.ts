import { check, cString, libc } from './calls.ts';
import { closeDescriptor } from './sockets.ts';

const O_CLOEXEC = 0o2000000;
const NS_GET_USERNS = 0xb701;

/** The user namespace that a namespace belongs to, which need not be that of a process in it (ioctl_ns(2)); to be closed. */
export function openOwner(namespace: string): number {
  const fd = check(libc().open(cString(namespace), O_CLOEXEC, 0), `open ${namespace}`);
  try {
    return check(libc().ioctl(fd, BigInt(NS_GET_USERNS), null), `owner of ${namespace}`);
  } finally {
    closeDescriptor(fd);
  }
}
