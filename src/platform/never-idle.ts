/**
 * Option that turns off the idle limit of a `Bun.serve` on a UNIX socket. There `server.timeout(request, 0)` has no effect on
 * requests without a body; this option has, although Bun's types do not know it.
 */
export const NEVER_IDLE: object = { idleTimeout: 0 };
