const FORMATS: Readonly<Record<string, Bun.CompressionFormat>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
  zstd: 'zstd',
};

/**
 * A response's body unpacked, for servers that compress although they were asked not to; `undefined` when the coding is
 * not known.
 */
export function readDecoded(
  response: Response,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> | undefined {
  const codings = (response.headers.get('content-encoding') ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  // Listed in the order they were applied in (RFC 9110 §8.4).
  return codings.toReversed().reduce<ReadableStream<Uint8Array> | undefined>((packed, coding) => {
    const format = FORMATS[coding];
    if (packed === undefined || format === undefined) return undefined;
    return packed.pipeThrough(
      new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>,
    );
  }, body);
}
