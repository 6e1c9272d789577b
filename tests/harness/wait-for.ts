export interface WaitOptions {
  /** What is waited for, as the sentence of the failure: `NAME is running`. */
  readonly what: string;
  /** 30 s unless given: five files share two processors, and only a failure takes that long. */
  readonly deadlineMs?: number;
  readonly intervalMs?: number;
}

/**
 * Looks until `isDone` likes what `look` saw, and returns that. At the deadline it throws with the last state seen; a
 * `look` that throws counts as a state.
 */
export async function waitFor<State>(
  look: () => State | Promise<State>,
  isDone: (state: State) => boolean,
  { what, deadlineMs = 30_000, intervalMs = 25 }: WaitOptions,
): Promise<State> {
  const startedAt = performance.now();
  for (;;) {
    let seen: string;
    try {
      const state = await look();
      if (isDone(state)) return state;
      seen = Bun.inspect(state);
    } catch (error) {
      seen = String(error);
    }
    if (performance.now() - startedAt > deadlineMs)
      throw new Error(`not within ${deadlineMs} ms: ${what}; last seen: ${seen}`);
    await Bun.sleep(intervalMs);
  }
}
