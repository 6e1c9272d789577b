import type { Message, ReadBody } from '../../proxy/index.ts';
import { type McpFacts, readFacts } from './facts.ts';

/** What the parser leaves in `context.body`: the message, and what it is about for whoever asks. */
export class McpBody implements ReadBody {
  readonly content: Uint8Array<ArrayBuffer> | string;
  readonly text: string;
  readonly message: Message | undefined;
  #facts: McpFacts | undefined;

  constructor(content: Uint8Array<ArrayBuffer> | string, text: string, message: Message | undefined) {
    this.content = content;
    this.text = text;
    this.message = message;
  }

  /** Made when first asked for; `undefined` for responses and for what is no message. */
  get facts(): McpFacts | undefined {
    if (this.message === undefined || this.message.kind === 'response') return undefined;
    this.#facts ??= readFacts(this.message);
    return this.#facts;
  }
}
