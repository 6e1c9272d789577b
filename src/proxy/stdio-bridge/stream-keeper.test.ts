import { describe, expect, test } from 'bun:test';
import { EventStream } from './event-stream.ts';
import { createStreamKeeper } from './stream-keeper.ts';

/** A keeper whose hours pass at will, and one stream that is read. */
async function open() {
  let now = 0;
  const tickers: { readonly intervalMs: number; readonly visit: () => boolean }[] = [];
  const keeper = createStreamKeeper({
    now: () => now,
    openTicker: (intervalMs, visit) => {
      tickers.push({ intervalMs, visit });
      return { start() {}, stop() {} };
    },
  });
  const stream = new EventStream({ onClosed: () => keeper.delete(stream), now: () => now });
  const heardAt: number[] = [];
  const reader = stream.body.getReader();
  async function read(): Promise<void> {
    for (;;) {
      const { done } = await reader.read();
      if (done) return;
      heardAt.push(now);
    }
  }
  return {
    keeper,
    stream,
    heardAt,
    read,
    async pass(ms: number) {
      const [ticker] = tickers;
      for (const end = now + ms; ticker !== undefined && now < end; ) {
        now += ticker.intervalMs;
        ticker.visit();
        await Bun.sleep(0);
      }
    },
  };
}

describe('open streams', () => {
  test('spec 04 §19.14 say every 15 to 30 s that they are alive', async () => {
    const { keeper, stream, heardAt, read, pass } = await open();
    const reading = read();
    keeper.add(stream);
    await pass(10 * 60_000);
    stream.end();
    await reading;
    const gaps = heardAt.map((at, index) => at - (heardAt[index - 1] ?? 0));
    expect(heardAt.length).toBeGreaterThanOrEqual(20);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  });

  test('that nobody reads are cut off after a while, and not filled meanwhile', async () => {
    const { keeper, stream, pass } = await open();
    keeper.add(stream);
    stream.send(Buffer.from('data: x\n\n'), 'must');
    await pass(60_000);
    expect(stream.closed).toBe(false);
    await pass(10_000);
    expect(stream.closed).toBe(true);
  });
});
