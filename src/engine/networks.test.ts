import { expect, test } from 'bun:test';
import type { Call, EngineHttp } from './http.ts';
import { createNetworks } from './networks.ts';

/** An engine with these networks of one name from the creation of `own` on, oldest first. */
function engineWith(networks: readonly string[]) {
  let present: readonly string[] = [];
  const removed: string[] = [];
  const http = {
    async json({ method }: Call) {
      if (method === 'GET')
        return present.map((Id) => ({ Id, Name: 'net', Created: String(networks.indexOf(Id)) }));
      present = networks;
      return { Id: 'own' };
    },
    async send({ path }: Call) {
      removed.push(path.slice('/networks/'.length));
    },
  };
  return {
    networks: createNetworks(http as unknown as EngineHttp /* the part that is asked */, 'docker'),
    removed,
    /** Another process takes it away. */
    lose: (id: string) => {
      present = present.filter((each) => each !== id);
    },
  };
}

const SPEC = { labels: {} };

test('the older network of another process stays, and ours goes', async () => {
  const { networks, removed } = engineWith(['other', 'own']);
  expect(await networks.ensure('net', SPEC)).toBe('other');
  expect(removed).toEqual(['own']);
});

test('ours stays when the maker of a younger one takes that away', async () => {
  const { networks, removed, lose } = engineWith(['own', 'other']);
  setTimeout(lose, 120, 'other');
  expect(await networks.ensure('net', SPEC)).toBe('own');
  expect(removed).toEqual([]);
});

test('a younger one whose maker has not seen ours stays, and ours goes', async () => {
  const { networks, removed } = engineWith(['own', 'other']);
  expect(await networks.ensure('net', SPEC)).toBe('other');
  expect(removed).toEqual(['own']);
});
