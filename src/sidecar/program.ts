/** The program of the sidecar's container. It is bundled by itself: see `program-text.ts`. */
import { CONTROL_PORT } from './admission.ts';
import { openControl } from './control.ts';
import { outwardAddress } from './outward-address.ts';
import { DIGEST_VARIABLE } from './settings.ts';
import { createWorkloads } from './workloads.ts';

const digest = process.env[DIGEST_VARIABLE] ?? '';
if (!/^[0-9a-f]{64}$/.test(digest)) {
  process.stderr.write(`${DIGEST_VARIABLE} is not set: this program is started by thv\n`);
  process.exit(1);
}
const hostname = await outwardAddress();
if (hostname === undefined) {
  process.stderr.write('the container has no way out\n');
  process.exit(1);
}
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => process.exit(0));
await openControl({ hostname, port: CONTROL_PORT, digest, workloads: createWorkloads() });
