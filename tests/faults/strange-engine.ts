import { join } from 'node:path';

/** What an engine that is not the workload's own does when it is asked anything. */
export type Strangeness = 'knows no container' | 'answers 500' | 'hangs';

/** A Docker of its own on a socket in `folder`. */
export function startStrangeEngine(
  folder: string,
  strangeness: Strangeness,
): { readonly socket: string } & Disposable {
  const socket = join(folder, `${strangeness.replaceAll(' ', '-')}.sock`);
  const server = Bun.serve({
    unix: socket,
    fetch({ url }) {
      const { pathname } = new URL(url);
      const headers = { 'api-version': '1.41', server: 'Docker/24.0 (linux)' };
      if (pathname.endsWith('/_ping')) return new Response('OK', { headers });
      if (pathname.endsWith('/version')) return Response.json({ ApiVersion: '1.41' }, { headers });
      if (strangeness === 'hangs') return new Promise<Response>(() => {});
      if (strangeness === 'answers 500') return Response.json({ message: 'out of order' }, { status: 500 });
      if (pathname.endsWith('/containers/json')) return Response.json([], { headers });
      return Response.json({ message: 'No such container' }, { status: 404 });
    },
  });
  return { socket, [Symbol.dispose]: () => void server.stop(true) };
}
