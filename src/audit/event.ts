import type { Delegation } from '../oidc/index.ts';
import { withinBytes } from './within-bytes.ts';

/** What happened, as it is kept until it is written. Its texts are bounded already. */
export interface AuditEvent {
  readonly type: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly outcome: Outcome;
  readonly source: { readonly address: string; readonly userAgent?: string; readonly requestId?: string };
  readonly subjects: Readonly<Record<string, string>>;
  readonly target: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly delegation?: Delegation | undefined;
  readonly request?: string | undefined;
  readonly response?: string | undefined;
  /** Some of its texts are not whole. */
  readonly isCut: boolean;
}

export type Outcome = 'success' | 'denied' | 'failure' | 'error' | 'application_error';

export function outcomeOf(status: number): Outcome {
  if (status < 400) return 'success';
  if (status === 401 || status === 403) return 'denied';
  return status < 500 ? 'failure' : 'error';
}

/** One line of the log, newline included (spec 05 §16.3). Never throws. */
export function formatEvent(event: AuditEvent, component: string): string {
  try {
    return format(event, component, dataOf(event));
  } catch {
    return format(event, component, {}); // data nested so deep that it cannot be written
  }
}

function format(event: AuditEvent, component: string, data: Readonly<Record<string, unknown>>): string {
  const { type, at, outcome, source, subjects, target, extra, delegation, isCut } = event;
  const time = new Date(at).toISOString();
  const { address, userAgent, requestId } = source;
  const line = {
    time,
    level: 'AUDIT',
    msg: 'audit_event',
    audit_id: crypto.randomUUID(),
    type,
    logged_at: time,
    outcome,
    component,
    source: {
      type: 'network',
      value: address,
      extra: {
        ...(userAgent === undefined ? {} : { user_agent: userAgent }),
        ...(requestId === undefined ? {} : { request_id: requestId }),
      },
    },
    subjects,
    target,
    metadata: { extra: isCut ? { ...extra, truncated: true } : extra },
    ...(delegation === undefined ? {} : { delegation }),
    ...(Object.keys(data).length === 0 ? {} : { data }),
  };
  return `${JSON.stringify(line)}\n`;
}

function dataOf({ request, response }: AuditEvent): Readonly<Record<string, unknown>> {
  return {
    ...(request === undefined ? {} : { request: jsonOrText(request) }),
    ...(response === undefined ? {} : { response: jsonOrText(response) }),
  };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // cut, or never JSON
  }
}

/** Roughly the memory that it takes until it is written. */
export function weightOf({ request, response, target, subjects }: AuditEvent): number {
  const texts = [request, response, ...Object.values(target), ...Object.values(subjects)];
  return texts.reduce((sum, text) => sum + 2 * (text?.length ?? 0), EVENT_BYTES);
}

const EVENT_BYTES = 1024;

/** Texts that a client chooses freely are cut to this. */
const MAX_TEXT_BYTES = 1024;

/** Collects texts for an event and remembers whether any had to be cut. */
export class Cutter {
  isCut = false;

  text(text: string, maxBytes = MAX_TEXT_BYTES): string {
    const cut = withinBytes(text, maxBytes);
    if (cut.length < text.length) this.isCut = true;
    return cut;
  }
}
