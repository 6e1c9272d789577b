import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { DNS_PORT } from '../admission.ts';
import { isWithin, plainAddress } from '../subnet.ts';
import { answerQuery, type NameService } from './answer.ts';

/** What one workload may have looked up at the same time; more is dropped, as a busy resolver does. */
const MAX_UNDER_WAY = 64;
const MAX_CONNECTIONS = 16;
const IDLE_MS = 10_000;

/** Answers the workload's queries over UDP, on the sidecar's address in its network. */
export async function serveDatagrams(service: NameService): Promise<AsyncDisposable> {
  const { address, prefixLength } = service.admission;
  const socket = createSocket('udp4');
  let underWay = 0;
  socket.on('message', (bytes, { address: peer, port }) => {
    // Only the network's own: the kernel takes packets for this address from every network that the sidecar is in.
    if (underWay >= MAX_UNDER_WAY || !isWithin(peer, address, prefixLength)) return;
    underWay++;
    answerQuery(bytes, service)
      .then((answer) => {
        if (answer !== undefined) socket.send(answer, port, peer, () => undefined);
      })
      .catch(() => undefined) // the workload asks again
      .finally(() => underWay--);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(DNS_PORT, address, () => {
      socket.off('error', reject);
      // A peer that is gone is reported here; the next datagram is another's.
      socket.on('error', () => undefined);
      resolve();
    });
  });
  return {
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

/** The same over TCP (RFC 7766). */
export function nameServer(service: NameService) {
  let open = 0;
  return createServer((client) => {
    if (open >= MAX_CONNECTIONS) return void client.destroy();
    open++;
    client.on('close', () => open--);
    client.on('error', () => client.destroy());
    if (
      !isWithin(plainAddress(client.remoteAddress), service.admission.address, service.admission.prefixLength)
    )
      return void client.destroy();
    client.setTimeout(IDLE_MS, () => client.destroy());
    converse(client, service).catch(() => client.destroy());
  });
}

/** One query after the other: what comes meanwhile waits in the socket. */
async function converse(client: Socket, service: NameService): Promise<void> {
  let pending = Buffer.alloc(0);
  for await (const chunk of client) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const answer = await answerQuery(pending.subarray(2, end), service);
      pending = pending.subarray(end);
      if (answer === undefined) return void client.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.byteLength);
      client.write(Buffer.concat([length, answer]));
    }
  }
}
