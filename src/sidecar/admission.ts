import * as v from 'valibot';

/** Where the sidecar answers in every workload's network. */
export const PROXY_PORT = 3128;
export const DNS_PORT = 53;
/** Where it is told what to do and leads in, in the network that the engine publishes a port from. */
export const CONTROL_PORT = 3129;

const Address = v.pipe(v.string(), v.ip());
const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

/** A workload with its rules, as the sidecar is told them. */
export const AdmissionSchema = v.object({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_.-]*$/i)),
  /** The sidecar's own address in the workload's network, by which it knows the workload. */
  address: v.pipe(v.string(), v.ipv4()),
  prefixLength: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(32)),
  rules: v.object({
    hosts: v.array(v.string()),
    ports: v.array(Port),
    routes: v.array(v.object({ host: v.string(), port: Port })),
    routesOnly: v.boolean(),
    privateNetworks: v.boolean(),
  }),
  /** Addresses of the machine and of its engine: nobody gets there by any name. */
  machine: v.array(Address),
  /** Where `host.docker.internal` leads to. */
  gateway: Address,
  allowGateway: v.boolean(),
});
export type Admission = v.InferOutput<typeof AdmissionSchema>;
