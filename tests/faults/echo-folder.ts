import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../harness/world.ts';

/** A stdio server of a few lines that needs nothing installed. */
const ECHO = `
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const result =
    method === 'initialize'
      ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } }
      : { content: [{ type: 'text', text: params?.arguments?.message ?? String(process.pid) }] };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}
`;

/** The same over HTTP, at the port of `MCP_PORT`. */
const HTTP_ECHO = `
import { createServer } from 'node:http';
createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString();
  const { id, params } = text === '' ? {} : JSON.parse(text);
  if (id === undefined) return response.writeHead(202).end();
  const result = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}).listen(Number(process.env.MCP_PORT), '127.0.0.1');
`;

/** Makes a local folder with such a server in the world; gives its path. */
export async function echoFolder(world: World, kind: 'stdio' | 'http' = 'stdio'): Promise<string> {
  const folder = join(world.work, `echo-${kind}`);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'echo', version: '1.0.0', type: 'module', bin: 'server.js' }),
  );
  await writeFile(join(folder, 'server.js'), kind === 'stdio' ? ECHO : HTTP_ECHO);
  return folder;
}
