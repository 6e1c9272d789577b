import type { RequestContext } from '../../proxy/index.ts';

/** A kind of list: the member of `result` that holds it, and the member that its items go by (spec 05 §12). */
export interface ListKind {
  readonly member: 'tools' | 'prompts' | 'resources' | 'resourceTemplates';
  readonly key: 'name' | 'uri' | 'uriTemplate';
  /** Further members of an item that are looked at. */
  readonly known: readonly string[];
}

/** One item of a list that a server sends. */
export interface ListItem {
  readonly kind: ListKind;
  /** Its name or URI, never empty. */
  readonly id: string;
  /** The item as the server wrote it. */
  readonly text: string;
}

/** What becomes of the lists that pass by; one for a proxy. `context` is that of the request which is answered. */
export interface ListRule {
  readonly kinds: readonly ListKind[];
  /** What takes the place of an item; `undefined`: nothing does, the item is not shown. */
  show(item: ListItem, context: RequestContext): string | undefined | Promise<string | undefined>;
  /** Sees every list before its items are asked for. */
  onList?(kind: ListKind, items: readonly ListItem[]): void;
  /** What a client is told in place of a list that cannot be filtered. */
  readonly refusal: ListRefusal;
}

interface ListRefusal {
  readonly message: string;
  /** Status of an answer that holds nothing else; 200 leaves the answer's own. */
  readonly status: 200 | 500;
  /** Frames that no protocol has (a list beside an error, a list in a batch) are refused and not filtered. */
  readonly isStrict: boolean;
}
