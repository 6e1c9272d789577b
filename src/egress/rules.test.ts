import { describe, expect, test } from 'bun:test';
import { type EgressRules, isGranted, judgeAddress, policyOfRules } from './rules.ts';

const rules = (hosts: readonly string[], ports: readonly number[] = []) => ({ hosts, ports });

describe('what is granted', () => {
  const ROWS: readonly (readonly [string, ReturnType<typeof rules>, string, number, boolean])[] = [
    ['nothing said means anything', rules([]), 'example.com', 443, true],
    ['a host, any port', rules(['example.com']), 'example.com', 8443, true],
    ['a host, not those below it', rules(['example.com']), 'www.example.com', 443, false],
    ['a host, not one that ends like it', rules(['example.com']), 'notexample.com', 443, false],
    ['a domain and the hosts below it', rules(['.example.com']), 'a.b.example.com', 443, true],
    ['a domain itself', rules(['.example.com']), 'example.com', 443, true],
    ['a domain, not one that ends like it', rules(['.example.com']), 'notexample.com', 443, false],
    ['a domain with a star', rules(['*.example.com']), 'www.example.com', 443, true],
    ['case and a trailing dot do not matter', rules(['Example.com']), 'EXAMPLE.COM.', 443, true],
    ['ports alone, any host', rules([], [443]), 'example.org', 443, true],
    ['ports alone, another port', rules([], [443]), 'example.org', 80, false],
    ['both have to match: the port does not', rules(['example.com'], [443]), 'example.com', 80, false],
    ['both have to match: the host does not', rules(['example.com'], [443]), 'example.org', 443, false],
    ['an address in brackets', rules(['::1']), '[::1]', 80, true],
  ];
  test.each(ROWS)('%s', (_, given, host, port, expected) => {
    expect(isGranted(given, host, port)).toBe(expected);
  });
});

describe('where a name may lead to', () => {
  const ROWS: readonly (readonly [string, readonly string[], string, string, 'allowed' | 'private'])[] = [
    ['a public address', [], 'example.com', '93.184.216.34', 'allowed'],
    ['an address of the documentation', ['.example.com'], 'a.example.com', '203.0.113.9', 'allowed'],
    ['a public IPv6 address', [], 'example.com', '2606:2800:220:1::1', 'allowed'],
    ['loopback, by any name', [], 'example.com', '127.0.0.1', 'private'],
    ['loopback, by a name that is granted', ['example.com'], 'example.com', '127.0.0.1', 'private'],
    ['loopback, named itself', ['127.0.0.1'], '127.0.0.1', '127.0.0.1', 'allowed'],
    ['localhost, named itself', ['localhost'], 'localhost', '127.0.0.1', 'allowed'],
    ['localhost, by a domain that holds all', ['.localhost'], 'localhost', '127.0.0.1', 'private'],
    ['IPv6 loopback', ['example.com'], 'example.com', '::1', 'private'],
    ['loopback as IPv4 in IPv6', ['example.com'], 'example.com', '::ffff:127.0.0.1', 'private'],
    ['the same in hexadecimal', ['example.com'], 'example.com', '::ffff:7f00:1', 'private'],
    ['any address of this machine', ['example.com'], 'example.com', '0.0.0.0', 'private'],
    ['the metadata service of a cloud', ['example.com'], 'example.com', '169.254.169.254', 'private'],
    ['link-local IPv6', ['example.com'], 'example.com', 'fe80::1', 'private'],
    ['NAT64, which may lead anywhere', ['example.com'], 'example.com', '64:ff9b::7f00:1', 'private'],
    ['NAT64 of a public address', [], 'example.com', '64:ff9b::8.8.8.8', 'allowed'],
    ['6to4 of loopback', ['example.com'], 'example.com', '2002:7f00:1::1', 'private'],
    ['a translator whose target cannot be told', ['example.com'], 'example.com', '64:ff9b:1::1', 'private'],
    ['the metadata service as IPv4 in IPv6', ['example.com'], 'example.com', '::ffff:a9fe:a9fe', 'private'],
    ['link-local IPv6 with its interface', ['example.com'], 'example.com', 'fe80::1%eth0', 'private'],
    ['a loopback address in decimal, though named', ['2130706433'], '2130706433', '127.0.0.1', 'private'],
    ['a loopback address in octal, though named', ['0177.0.0.1'], '0177.0.0.1', '127.0.0.1', 'private'],
    ['localhost with a dot, named without', ['localhost'], 'localhost.', '127.0.0.1', 'allowed'],
    ['a name below localhost, named in full', ['foo.localhost'], 'foo.localhost', '127.0.0.1', 'private'],
    ['what VPN clients use for names', ['wiki.corp'], 'wiki.corp', '198.18.0.7', 'allowed'],
    ['a private network, by a host named in full', ['wiki.corp'], 'wiki.corp', '10.1.2.3', 'allowed'],
    ['a private network, by a domain only', ['.corp'], 'wiki.corp', '10.1.2.3', 'private'],
    ['a private network, with all allowed', [], 'wiki.corp', '192.168.1.1', 'private'],
    ['a private IPv6 network', [], 'wiki.corp', 'fd00::1', 'private'],
  ];
  test.each(ROWS)('%s', (_, hosts, host, address, expected) => {
    expect(judgeAddress(rules(hosts), host, address)).toBe(expected);
  });
});

describe('what a refusal names as its way out', () => {
  const routes = [{ host: 'db.example.com', port: 5432 }];
  const ROWS: readonly (readonly [string, EgressRules, string, number, string | undefined])[] = [
    ['a host that is missing', rules(['a']), 'B.example.', 443, 'outbound.allow_host: ["b.example"]'],
    ['a port that is missing', rules(['a'], [80]), 'a', 443, 'outbound.allow_port: [443]'],
    ['both', rules(['a'], [80]), 'b', 443, 'outbound.allow_host: ["b"] and outbound.allow_port: [443]'],
    ['routes alone', { ...rules([]), routes, routesOnly: true }, 'b', 443, 'outbound.allow_host: ["b"]'],
    ['what is no host', rules(['a']), 'b"]\u001b[2J', 443, undefined],
  ];
  test.each(ROWS)('%s', (_, given, host, port, remedy) => {
    expect(policyOfRules(given).judgeRequest(host, port)).toEqual({
      granted: false,
      rule: 'not granted by the permission profile',
      remedy,
    });
  });

  test('a route is granted for its pair only, and its host may be private', () => {
    const policy = policyOfRules({ ...rules([]), routes, routesOnly: true });
    expect(policy.judgeRequest('db.example.com', 5432)).toEqual({
      granted: true,
      rule: 'allow_tcp db.example.com:5432',
    });
    expect(policy.judgeRequest('db.example.com', 5433).granted).toBe(false);
    expect(policy.judgeAddress('db.example.com', '10.0.0.1').granted).toBe(true);
    expect(policy.judgeAddress('db.example.com', '127.0.0.1').granted).toBe(false);
  });
});
