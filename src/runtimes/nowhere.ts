import type { Place } from './runtime.ts';

/** The place of a server that ends with its supervisor: nothing else has to be stopped or removed. */
export const NOWHERE: Place = {
  isThere: false,
  isRunning: false,
  endsWithSupervisor: true,
  stop: async () => undefined,
  remove: async () => undefined,
};
