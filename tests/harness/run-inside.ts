import { type EngineAddress, engineRequest } from './engine.ts';

/** What a program in a running container prints, as JSON (Engine API 1.41, /exec). */
export async function runInside(
  engine: EngineAddress,
  container: string,
  Cmd: readonly string[],
): Promise<unknown> {
  const created = await engineRequest(
    engine,
    'POST',
    `/containers/${container}/exec`,
    JSON.stringify({ Cmd, AttachStdout: true, AttachStderr: true }),
  );
  const { Id } = (await created.json()) as { readonly Id: string };
  const started = await engineRequest(engine, 'POST', `/exec/${Id}/start`, '{"Detach":false,"Tty":false}');
  // Frames with a header of eight bytes, the last four of which are the length.
  const frames = Buffer.from(await started.arrayBuffer());
  let text = '';
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return JSON.parse(text);
}
