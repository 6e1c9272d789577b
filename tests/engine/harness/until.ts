/** Resolves when `state` satisfies `isDone`; rejects after `timeoutMs` with the last state seen. */
export async function until<State>(
  read: () => State | Promise<State>,
  isDone: (state: State) => boolean,
  timeoutMs = 10_000,
): Promise<State> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const state = await read();
    if (isDone(state)) return state;
    if (performance.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms; last seen: ${JSON.stringify(state)}`);
    }
    await Bun.sleep(5);
  }
}
