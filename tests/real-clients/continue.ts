import { join } from 'node:path';
import type { Home } from './workloads.ts';

/** Tools of the reference server that Continue has none of its own like. */
const TOOL = 'get-sum';
const ADDRESS = 'http://127.0.0.1:1';

/** Continue wants a model before it does anything; its address is put in when there is one. */
export const CONTINUE_SETTINGS = `# mine
name: Mine
version: 1.0.0
schema: v1
models:
  - name: stub
    provider: openai
    model: x
    apiBase: ${ADDRESS}/v1
    apiKey: none
    roles: [chat]
`;

/** Has the CLI ask a model of ours something, and gives the servers whose tools it offered to it. */
export async function askContinue(folder: string, home: Home): Promise<Readonly<Record<string, string>>> {
  let offered = 0;
  await using model = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { tools = [] } = (await request.json()) as { tools?: readonly { function: { name: string } }[] };
      offered = tools.filter((tool) => tool.function.name === TOOL).length;
      return answered();
    },
  });
  const settings = await home.text();
  const servers = [...settings.matchAll(/^ +- name: (\S+)\n +url: http/gm)].map(([, name = '']) => name);
  const copy = join(home.folder, 'settings-with-model.yaml');
  await Bun.write(copy, settings.replace(ADDRESS, `http://127.0.0.1:${model.port}`));
  await home.run(['node', join(folder, 'dist', 'cn.js'), '-p', 'hi', '--auto', '--config', copy]);
  // Tools of two servers have the same names; each server offers it once.
  return Object.fromEntries(
    servers.map((name) => [name, offered === servers.length ? 'reached' : `${offered} offer ${TOOL}`]),
  );
}

function answered(): Response {
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({
      id: '1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'x',
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  const text = `${chunk({ role: 'assistant', content: 'done' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`;
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
}
