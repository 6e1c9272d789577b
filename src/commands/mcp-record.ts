/** A JSON object that a server sent. */
export type Sent = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Sent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
