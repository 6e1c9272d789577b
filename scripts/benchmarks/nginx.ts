import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../tests/harness/daemon.ts';
import { freePort } from '../../tests/harness/ports.ts';
import { type Ground, programOf } from './ground.ts';
import { childOf } from './process-usage.ts';

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Process id of its one worker. */
  readonly processId: number;
}

/** The fastest HTTP server at hand, playing an MCP server: canned answers, and a session id for who has none. */
export interface Upstream extends HttpServer {
  /** Path at which a POST is answered with so many bytes. */
  pathFor(answerBytes: number): string;
}

const SESSION_ID = 'b3d6f5b0-52a1-4a3c-9b5e-0d8f6a1c2e47';
const INITIALIZED = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  result: {
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'canned', version: '1.0.0' },
  },
});

export async function openUpstream(ground: Ground, answerSizes: readonly number[]): Promise<Upstream> {
  const files = join(ground.folder, 'answers');
  await mkdir(files, { recursive: true });
  for (const size of answerSizes) await Bun.write(join(files, `${size}`), cannedAnswer(size));
  const server = await startNginx(ground, 'upstream', (port) =>
    [
      `server { listen 127.0.0.1:${port} backlog=4096; root ${files}; default_type application/json;`,
      `location = /mcp { if ($http_mcp_session_id = "") { add_header Mcp-Session-Id ${SESSION_ID}; return 200 '${INITIALIZED}'; }`,
      // Short ones straight from memory.
      `return 200 '${cannedAnswer(100)}'; }`,
      // A static file is not for POST, so the refusal is turned into the file.
      ...answerSizes.map((size) => `location = /${size} { error_page 405 =200 /${size}; }`),
      '}',
    ].join('\n'),
  );
  return { ...server, pathFor: (bytes) => (answerSizes.includes(bytes) ? `/${bytes}` : '/mcp') };
}

function cannedAnswer(bytes: number): string {
  return `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${'x'.repeat(bytes)}"}]}}`;
}

/** One worker, connections kept to the upstream, bodies kept in memory. */
export function openNginxProxy(ground: Ground, upstreamPort: number): Promise<HttpServer> {
  return startNginx(
    ground,
    'proxy',
    (port) => `
      upstream backend { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 100000000; }
      server { listen 127.0.0.1:${port} backlog=4096;
        location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
          proxy_max_temp_file_size 0; } }`,
  );
}

async function startNginx(
  ground: Ground,
  name: string,
  servers: (port: number) => string,
): Promise<HttpServer> {
  ground.signal.throwIfAborted();
  const folder = join(ground.folder, `nginx-${name}`);
  await mkdir(folder, { recursive: true });
  const port = freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  await Bun.write(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${folder}/pid; error_log stderr error;
    events { worker_connections 4096; }
    http { access_log off; client_max_body_size 8m; client_body_buffer_size 2m; keepalive_requests 100000000; keepalive_timeout 300; sendfile on; tcp_nodelay on;
      ${temporary.join(' ')}
      ${servers(port)} }\n`,
  );
  const daemon = await startDaemon(`nginx-${name}`, {
    command: [programOf('nginx', 'nginx-light'), '-p', folder, '-c', join(folder, 'nginx.conf')],
    folder: ground.folder,
    isReady: async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0,
  });
  const processId = await childOf(Number(await Bun.file(join(folder, 'pid')).text()));
  return { port, processId, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}
