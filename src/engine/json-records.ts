export type JsonRecord = Readonly<Record<string, unknown>>;

const MAX_RECORD_BYTES = 1024 * 1024;

/** Records of a body that is a sequence of JSON values, one a line. Lines that are not JSON are left out; so is a line over 1 MiB. */
export async function* readJsonRecords(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonRecord, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_RECORD_BYTES) rest = '';
    for (const line of lines) yield* record(line);
  }
  yield* record(rest + decoder.decode());
}

function* record(line: string): Generator<JsonRecord, void, undefined> {
  if (line.trim() === '') return;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return; // a progress record cut short says nothing; the end of the pull is known by other means
  }
  if (typeof value === 'object' && value !== null) yield { ...value };
}

/** What went wrong, when this is the record with which the engine ends a stream that began well. */
export function errorOf(record: JsonRecord): string | undefined {
  const detail = record['errorDetail'];
  if (isRecord(detail) && typeof detail['message'] === 'string') return detail['message'];
  return typeof record['error'] === 'string' ? record['error'] : undefined;
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null;
}
