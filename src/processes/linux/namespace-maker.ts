import type { ViewEntry } from '../filesystem-view.ts';

/** What gets the launcher into its namespaces: bubblewrap, or `unshare`. */
export interface NamespaceMaker {
  /** The program that makes them. */
  readonly program: string;
  /** It would outlive its parent. */
  readonly needsGuard: boolean;
  /** Run by root it takes, and needs on some machines, the capability to make namespaces with it when it stops being root. */
  readonly keepsCapability: boolean;
  /** Connects an open network of a process's own with the rest; absent where there is nothing that does. */
  readonly pasta?: string | undefined;
  /** It makes the view, and the launcher need not. */
  readonly makesView: boolean;
  command(
    launcher: readonly string[],
    facts: {
      readonly view: readonly ViewEntry[];
      readonly ownNetwork: boolean;
      /** The number of user and group that a process of root's sees itself as. */
      readonly insideId: number | undefined;
    },
  ): readonly string[];
}
