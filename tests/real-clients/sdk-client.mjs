// Lists the tools of every server in a file of Cursor's settings, one JSON object on stdout. Arguments: the folder of the
// TypeScript SDK, and the file.
import { readFile } from 'node:fs/promises';

const [, , sdk, path] = process.argv;
const load = (name) => import(`${sdk}/dist/esm/client/${name}.js`);
const { Client } = await load('index');
const { SSEClientTransport } = await load('sse');
const { StreamableHTTPClientTransport } = await load('streamableHttp');

const seen = {};
for (const [name, { url, type }] of Object.entries(JSON.parse(await readFile(path, 'utf8')).mcpServers)) {
  const Transport = type === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
  const client = new Client({ name: 'typescript-sdk', version: '1' });
  await client.connect(new Transport(new URL(url)));
  seen[name] = (await client.listTools()).tools.map((tool) => tool.name);
  await client.close();
}
process.stdout.write(`${JSON.stringify(seen)}\n`);
