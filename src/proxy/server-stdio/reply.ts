import type { Weight } from './event-stream.ts';
import type { Failure } from './failure.ts';

/** How the answer to one call reaches its caller. */
export interface Reply {
  /** The answer, carrying the asker's own id, on one line. */
  answer(text: string): void;
  fail(failure: Failure, id: string): void;
  /** A message on behalf of the call before its answer; `false` when this form of reply has no room for it. */
  interim(frame: Uint8Array, weight: Weight): boolean;
  /** Called now and then while the call takes its time. `sent`: the process has it. */
  linger(sent: boolean): void;
  /** The asker is being asked something itself: the time of the call stands still, and it concerns nobody else's questions. */
  readonly isHeld?: boolean;
  /** Called when the asker left before its answer; set by the code that opens the call. */
  onGone?: (() => void) | undefined;
}
