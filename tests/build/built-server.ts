import type { Engine } from '../../src/engine/index.ts';
import { listen } from '../engine/harness/attached.ts';
import { until } from '../engine/harness/until.ts';

/** Starts a built stdio server without any network, initializes it, and gives the text that a tool answers with. */
export async function callTool(
  engine: Engine,
  image: string,
  tool: string,
  args: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { id } = await engine.containers.create(`thv-build-test-${crypto.randomUUID()}`, {
    Image: image,
    OpenStdin: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'] },
  });
  try {
    const heard = listen();
    await engine.containers.start(id);
    await using stdio = await engine.containers.attach(id, heard.receiver);
    const answer = async (request: number) => {
      const lines = () => heard.stdout.split('\n').filter((line) => line.startsWith('{'));
      const seen = await until(
        () => ({
          found: lines().find((line) => JSON.parse(line).id === request),
          ended: heard.ends.length > 0,
          heard,
        }),
        ({ found, ended }) => found !== undefined || ended,
        40_000,
      );
      if (seen.found === undefined) throw new Error(`the server ended: ${heard.stdout}${heard.stderr}`);
      return JSON.parse(seen.found);
    };
    const send = (message: object) => stdio.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'test', version: '1' };
    send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
    });
    await answer(1);
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: tool, arguments: args } });
    const { result, error } = await answer(2);
    return result?.content?.[0]?.text ?? JSON.stringify(error);
  } finally {
    await engine.containers.remove(id, { force: true });
  }
}

/** Runs a shell command line in the image, as root, and gives what it prints. */
export async function runIn(engine: Engine, image: string, script: string): Promise<string> {
  const { id } = await engine.containers.create(`thv-build-test-${crypto.randomUUID()}`, {
    Image: image,
    Entrypoint: ['sh', '-c', script],
    User: 'root',
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await engine.containers.start(id);
    await engine.containers.wait(id);
    const decoder = new TextDecoder();
    let text = '';
    for await (const { bytes } of engine.containers.logs(id)) text += decoder.decode(bytes, { stream: true });
    return text;
  } finally {
    await engine.containers.remove(id, { force: true });
  }
}
