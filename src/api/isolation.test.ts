import { expect, test } from 'bun:test';
import * as v from 'valibot';
import { parseRunConfig } from '../records/index.ts';
import { CreateRequest } from './schemas/workload-request.ts';
import { toDetails } from './workload-details.ts';
import { toRunRequest } from './workload-request.ts';

test.each([
  [{}, 'none', false],
  [{ network_isolation: true }, 'wanted', false],
  [{ network_isolation: true, allow_docker_gateway: true }, 'wanted', true],
  [{ network_isolation: false, allow_docker_gateway: true }, 'none', true],
])('a request with %j asks for isolation: %s, and for the machine: %p', (fields, isolation, gateway) => {
  const body = v.parse(CreateRequest, { name: 'x', image: 'img', ...fields });
  const { target } = toRunRequest(body, { name: 'x', debug: false });
  expect(target).toMatchObject({ server: { isolation, allowDockerGateway: gateway } });
});

test.each([
  [{}, { network_isolation: false }],
  [{ isolate_network: true }, { network_isolation: true }],
  [
    { isolate_network: true, allow_docker_gateway: true },
    { network_isolation: true, allow_docker_gateway: true },
  ],
])('a document with %j is told as a request would have it', (fields, expected) => {
  const document = JSON.stringify({ image: 'img', name: 'x', transport: 'stdio', ...fields });
  const { network_isolation, allow_docker_gateway } = toDetails(parseRunConfig(document));
  expect({
    network_isolation,
    ...(allow_docker_gateway === undefined ? {} : { allow_docker_gateway }),
  }).toEqual(expected);
});
