import { expect, test } from 'bun:test';
import { openEngine } from '../../src/engine/index.ts';
import { describeEngines } from './harness/engines.ts';

describeEngines('networks', (under) => {
  test('ensure makes it once, remove takes it away, both may be repeated', async () => {
    const { networks } = under.engine;
    const name = under.uniqueName();
    const spec = { labels: { toolhive: 'true', 'toolhive-name': name } };
    try {
      await networks.ensure(name, spec);
      await networks.ensure(name, spec);
      const [network, ...more] = (await networks.list({ name })).filter((found) => found.Name === name);
      expect(more).toEqual([]);
      expect([network?.Internal, network?.Driver, network?.Labels?.['toolhive-name']]).toEqual([
        false,
        'bridge',
        name,
      ]);
      expect(await networks.findSealed(name)).toBeUndefined();
    } finally {
      await networks.remove(name);
    }
    await networks.remove(name);
    expect((await networks.list({ name })).map((found) => found.Name)).toEqual([]);
  });

  test('many who want it at once get one', async () => {
    const { networks } = under.engine;
    const name = under.uniqueName();
    const spec = { labels: {} };
    try {
      await Promise.all(Array.from({ length: 5 }, () => networks.ensure(name, spec)));
      expect((await networks.list({ name })).map((found) => found.Name)).toEqual([name]);
    } finally {
      await networks.remove(name);
    }
  });

  test('so do two processes', async () => {
    const other = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: under.socket } });
    const name = under.uniqueName();
    const spec = { labels: {} };
    try {
      const [one, two] = await Promise.all([
        under.engine.networks.ensure(name, spec),
        other.networks.ensure(name, spec),
      ]);
      expect(one).toBe(two);
      expect((await other.networks.list({ name })).map((found) => found.Name)).toEqual([name]);
    } finally {
      await other.networks.remove(name);
    }
  });

  test('a network whose name only contains the wanted one does not count', async () => {
    const { networks } = under.engine;
    const name = under.uniqueName();
    const spec = { labels: {} };
    try {
      await networks.ensure(`${name}-longer`, spec);
      await networks.ensure(name, spec);
      expect((await networks.list({ name })).map((found) => found.Name).sort()).toEqual([
        name,
        `${name}-longer`,
      ]);
      await networks.remove(name);
      expect((await networks.list({ name })).map((found) => found.Name)).toEqual([`${name}-longer`]);
    } finally {
      await networks.remove(name);
      await networks.remove(`${name}-longer`);
    }
  });

  test('a sealed network has no address of the machine, and gives its containers theirs', async () => {
    const { networks, containers } = under.engine;
    const network = under.uniqueName();
    const subnet = `198.19.${Math.floor(Math.random() * 256)}.${16 * Math.floor(Math.random() * 16)}/28`;
    const address = subnet.replace(/(\d+)\/28$/, (_, last: string) => String(Number(last) + 5));
    const container = await under.create('/bin/cat');
    try {
      expect(await networks.findSealed(network)).toBeUndefined();
      await networks.ensure(network, { labels: { toolhive: 'true' }, sealedSubnet: subnet });
      expect(await networks.findSealed(network)).toBe(subnet);
      await containers.start(container);
      await networks.connect(network, container, { aliases: [], address });
      expect((await containers.find(container))?.NetworkSettings.Networks[network]?.IPAddress).toBe(address);
      await networks.disconnect(network, container);
      await networks.disconnect(network, container).catch((error: unknown) => {
        throw new Error(`a second disconnect fails: ${String(error)}`);
      });
    } finally {
      await containers.remove(container, { force: true });
      await networks.remove(network);
    }
    await networks.disconnect(network, container);
  });

  test('a container joins the listed network only', async () => {
    const { networks, containers } = under.engine;
    const network = under.uniqueName();
    const name = under.uniqueName();
    try {
      await networks.ensure(network, { labels: {} });
      await containers.create(name, {
        Image: under.image,
        Cmd: ['/bin/cat'],
        OpenStdin: true,
        NetworkingConfig: { EndpointsConfig: { [network]: { NetworkID: network } } },
      });
      await containers.start(name);
      expect(Object.keys((await containers.find(name))?.NetworkSettings.Networks ?? {})).toEqual([network]);
    } finally {
      await containers.remove(name, { force: true });
      await networks.remove(network);
    }
  });
});
