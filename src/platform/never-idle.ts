/**
 * For a `Bun.serve` on a UNIX socket: no time limit of the runtime's. `server.timeout(request, 0)` does not reach requests without
 * a body there; this does, though Bun's types do not know it.
 */
export const NEVER_IDLE: object = { idleTimeout: 0 };
