import { test } from 'bun:test';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable } from '../harness/raw-client.ts';
import { openWorld } from '../harness/world.ts';
onEachEngine((engine) => {
 test('kill', async () => {
  await using world = await openWorld(engine, {env: {TOOLHIVE_DEBUG: '1'}});
  const names = Array.from({length: 10}, (_, i) => world.name(`w${i}`));
  for (const name of names) await world.ok(['run','thv-test/fixture:1','--name',name,'--transport','stdio']);
  const urls = []; for (const name of names) urls.push((await world.reached(name)).url);
  const clients = await Promise.all(urls.map((u) => openStreamable(new URL('/mcp', u).href)));
  await Promise.all(clients.map((c) => callTool(c, 1, 'birth')));
  for (const round of [1,2]) {
  const p = (await world.processes());
  process.kill(p.find(x=>/ host$/.test(x.command)&&!x.command.startsWith('sh'))!.pid,'SIGKILL');
  const t0 = performance.now(); console.log('killed at', new Date().toISOString());
  const ev: Record<string, string> = {};
  await Promise.all(clients.map(async (c, i) => { const seen: string[] = [];
    for (let id = 10; ; id++) { const asked = performance.now(); let r: string; try { r = await callTool(c, id, 'birth'); r = 'ok'; } catch (e) { r = String(e).slice(0, 90); }
      const line = `${r}`; if (seen.at(-1)?.split('|')[1] !== line) seen.push(`${Math.round(asked - t0)}..${Math.round(performance.now() - t0)}|${line}`);
      if (r === 'ok' ) break; await Bun.sleep(20); }
    ev[i] = seen.join('\n     '); }));
  console.log(ev);
  }
  console.log(await Bun.file(world.data+'/logs/thv-host.log').text());
  console.log(await Bun.file(world.data+`/logs/${names[3]}.log`).text());
 });
});
