import { expect, test } from 'bun:test';
import { openEngine } from '../../src/engine/index.ts';
import { describeEngines } from './harness/engines.ts';

describeEngines('networks', (under) => {
  test('ensure makes it once, remove takes it away, both may be repeated', async () => {
    const { networks } = under.engine;
    const name = under.uniqueName();
    const spec = { internal: true, labels: { toolhive: 'true', 'toolhive-name': name } };
    try {
      await networks.ensure(name, spec);
      await networks.ensure(name, spec);
      const [network, ...more] = (await networks.list({ name })).filter((found) => found.Name === name);
      expect(more).toEqual([]);
      expect([network?.Internal, network?.Driver, network?.Labels?.['toolhive-name']]).toEqual([
        true,
        'bridge',
        name,
      ]);
    } finally {
      await networks.remove(name);
    }
    await networks.remove(name);
    expect((await networks.list({ name })).map((found) => found.Name)).toEqual([]);
  });

  test('many who want it at once get one', async () => {
    const { networks } = under.engine;
    const name = under.uniqueName();
    const spec = { internal: false, labels: {} };
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
    const spec = { internal: false, labels: {} };
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
    const spec = { internal: true, labels: {} };
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

  test('a container joins the listed network only', async () => {
    const { networks, containers } = under.engine;
    const network = under.uniqueName();
    const name = under.uniqueName();
    try {
      await networks.ensure(network, { internal: true, labels: {} });
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
