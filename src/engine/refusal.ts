/**
 * Refusals that a caller has an answer to. Engines tell them by nothing but their words: `no-space`: its own disk is full;
 * `cannot-limit`: it has no control groups to hold a limit with (Docker of processors, rootless Podman of all); `name-taken`: a
 * container of this name is there or is being made; `not-connected`: a container is not in the network that it is to leave.
 */
export type Refusal = 'no-space' | 'cannot-limit' | 'name-taken' | 'not-connected';

const WORDS: Readonly<Record<Refusal, RegExp>> = {
  'name-taken': /\bcontainer name "[^"]*" is already in use\b/i,
  'no-space': /no space left on device|quota exceeded/i,
  'not-connected': /\bis not connected to (?:the )?network\b/i,
  'cannot-limit': /cgroup|NanoCPUs|memory limit|pids[ -]?limit|resource limits?/i,
};

/** What an engine means by refusing with `message`; `undefined` when it is none of these. */
export function refusalOf(message: string): Refusal | undefined {
  return (Object.keys(WORDS) as Refusal[]).find((refusal) => WORDS[refusal].test(message));
}
