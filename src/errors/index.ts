export { carry, revive } from './carried.ts';
export type { ErrorCode } from './catalog.ts';
export { describeFault, isFault } from './fault.ts';
export { during, hasCode, isShortage, messageOf, ThvError, toThvError, within } from './thv-error.ts';
export { conceal, keepSecret, withoutSecrets } from './withhold.ts';
