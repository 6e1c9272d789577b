import { connect, createServer } from 'node:net';

/**
 * Passes connections from a listening socket of the host's network on to a server on this network namespace's loopback.
 * Ends with the namespace, never by itself.
 */
export function relay(port: number, listeningFd: number): Promise<never> {
  const server = createServer({ allowHalfOpen: true }, (outside) => {
    const inside = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const end = () => {
      outside.destroy();
      inside.destroy();
    };
    outside.on('error', end).on('close', end);
    inside.on('error', end).on('close', end);
    outside.setNoDelay(true);
    inside.setNoDelay(true);
    outside.pipe(inside);
    inside.pipe(outside);
  });
  return new Promise((_, reject) => {
    server.on('error', reject);
    server.listen({ fd: listeningFd });
  });
}
