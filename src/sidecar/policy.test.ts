import { describe, expect, test } from 'bun:test';
import type { Admission } from './admission.ts';
import { policyOf } from './policy.ts';

const OWN = { address: '10.1.0.254', prefixLength: 24 };
const OTHER = { address: '10.2.0.254', prefixLength: 24 };

function policy(rules: Partial<Admission['rules']>, allowGateway = false) {
  const admission: Admission = {
    name: 'a',
    ...OWN,
    rules: { hosts: [], ports: [], routes: [], routesOnly: false, privateNetworks: false, ...rules },
    machine: ['198.51.100.7', '192.168.1.5', '2001:db8::7'],
    gateway: '172.17.0.1',
    allowGateway,
  };
  return policyOf(admission, () => [OWN, OTHER]);
}

const ALL = { privateNetworks: true };

describe('where a name may lead to', () => {
  test.each<[string, Partial<Admission['rules']>, boolean, string, string, boolean]>([
    ['everything: the internet', ALL, false, 'example.com', '93.184.216.34', true],
    ['everything: a private network', ALL, false, 'nas.lan', '192.168.1.20', true],
    ['everything: the metadata service', ALL, false, '169.254.169.254', '169.254.169.254', false],
    ['everything: loopback', ALL, false, 'localhost', '127.0.0.1', false],
    ['everything: an address of the machine', ALL, false, 'me.example.com', '198.51.100.7', false],
    ['everything: an IPv6 address of the machine', ALL, false, 'me.example.com', '2001:db8::7', false],
    ['everything: the machine as IPv4 in IPv6', ALL, false, 'x', '::ffff:192.168.1.5', false],
    ['everything: the network of another server', ALL, false, 'b', '10.2.0.3', false],
    ['everything: its own network', ALL, false, 'a', '10.1.0.3', false],
    ['everything: the other server as IPv4 in IPv6', ALL, false, 'b', '::ffff:10.2.0.3', false],
    [
      'a name in the profile opens no other server',
      { hosts: ['b', '10.2.0.3'] },
      false,
      '10.2.0.3',
      '10.2.0.3',
      false,
    ],
    [
      'an address in the profile does not open the machine',
      { hosts: ['192.168.1.5'] },
      false,
      '192.168.1.5',
      '192.168.1.5',
      false,
    ],
    [
      'a name in the profile opens a private host',
      { hosts: ['db.lan'] },
      false,
      'db.lan',
      '192.168.1.20',
      true,
    ],
    ['a domain in the profile does not', { hosts: ['.lan'] }, false, 'db.lan', '192.168.1.20', false],
    ['the gateway, by its address', ALL, false, '172.17.0.1', '172.17.0.1', false],
    ['the gateway, by another name', ALL, true, 'x.example.com', '172.17.0.1', true],
    ['the gateway, where it is allowed', ALL, true, 'host.docker.internal', '172.17.0.1', true],
    ['not another server, by a name of the gateway', ALL, true, 'host.docker.internal', '10.2.0.3', false],
  ])('%s', (_, rules, allowGateway, host, address, granted) => {
    expect(policy(rules, allowGateway).judgeAddress(host, address).granted).toBe(granted);
  });
});

describe('what may be asked for', () => {
  test.each<[string, Partial<Admission['rules']>, boolean, string, number, boolean]>([
    ['nothing', { routesOnly: true }, false, 'example.com', 443, false],
    ['everything', ALL, false, 'example.com', 25, true],
    ['the machine, although everything is allowed', ALL, false, 'host.docker.internal', 80, false],
    [
      'the machine, although it is listed',
      { hosts: ['host.docker.internal'] },
      false,
      'HOST.docker.internal.',
      80,
      false,
    ],
    ['the machine by its other name', ALL, false, 'gateway.docker.internal', 80, false],
    [
      'the machine with the flag, on a port that is not listed',
      { ports: [443] },
      true,
      'host.docker.internal',
      8080,
      true,
    ],
    [
      'the machine with the flag, although nothing is allowed',
      { routesOnly: true },
      true,
      '172.17.0.1',
      8080,
      true,
    ],
  ])('%s', (_, rules, allowGateway, host, port, granted) => {
    expect(policy(rules, allowGateway).judgeRequest(host, port).granted).toBe(granted);
  });

  test('a refusal of the machine names the flag', () => {
    expect(policy(ALL).judgeRequest('host.docker.internal', 80)).toMatchObject({
      remedy: '--allow-docker-gateway',
    });
  });
});

describe('which names are answered', () => {
  const routes = [{ host: 'db.example.com', port: 5432 }];
  test.each<[string, Partial<Admission['rules']>, string, boolean]>([
    ['a listed host', { hosts: ['example.com'] }, 'example.com', true],
    [
      'a listed host whose ports are listed too',
      { hosts: ['example.com'], ports: [8443] },
      'example.com',
      true,
    ],
    ['data before a listed host', { hosts: ['example.com'] }, 'data.example.com', false],
    ['data before another host', { hosts: ['example.com'] }, 'data.evil.test', false],
    ['below a listed domain', { hosts: ['.example.com'] }, 'data.example.com', true],
    ['any, where only ports are listed', { ports: [443] }, 'example.org', true],
    ['any, where everything is allowed', ALL, 'example.org', true],
    ['none, where nothing is allowed', { routesOnly: true }, 'example.org', false],
    ['the host of a route', { routesOnly: true, routes }, 'DB.example.com', true],
    ['the machine', ALL, 'host.docker.internal', false],
  ])('%s', (_, rules, name, granted) => {
    expect(policy(rules).judgeName(name).granted).toBe(granted);
  });
});
