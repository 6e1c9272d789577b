import { expect, test } from 'bun:test';
import { EventStream } from './event-stream.ts';
import { createReplay, requestOf } from './replay.ts';

const frame = (text: string) => Buffer.from(`data: ${text}\n\n`);

function openStream() {
  const stream = new EventStream({ onClosed() {} });
  return { stream, text: () => new Response(stream.body).text() };
}

test('an event is found by its id, and only by an id of ours', () => {
  const replay = createReplay(1000);
  replay.open();
  for (const id of ['', '.', 'x.1.1', '1', '..1', '-1.-1.-1']) expect(replay.find(id)).toBeUndefined();
});

test('a stream that ended while nobody read it is told to the end when somebody comes back', async () => {
  const replay = createReplay(1000);
  const channel = replay.open();
  const first = openStream();
  channel.attach(first.stream);
  channel.send(frame('1'), 'may');
  channel.send(frame('2'), 'may');
  channel.detach(first.stream);
  expect(channel.send(frame('3'), 'may')).toBe(false);
  // Somebody waits for a reply to this one, and it was not delivered.
  expect(channel.send(frame('question'), 'must')).toBe(false);
  channel.finish(frame('4'));
  first.stream.end();
  const id = /id: (\S+)/.exec(await first.text())?.[1] ?? '';
  const found = replay.find(id);
  const second = openStream();
  found?.channel.attach(second.stream, found.after);
  const data = [...(await second.text()).matchAll(/^data: (.*)$/gm)].map(([, text]) => text);
  expect(data).toEqual(['2', '3', '4']);
});

test('of two streams each is told its own', async () => {
  const replay = createReplay(1000);
  const [one, two] = [replay.open(), replay.open()];
  one.send(frame('one'), 'may');
  two.send(frame('two'), 'may');
  const stream = openStream();
  two.attach(stream.stream, 0);
  two.finish();
  expect([...(await stream.text()).matchAll(/^data: (.*)$/gm)].map(([, text]) => text)).toEqual(['two']);
});

test('the oldest is forgotten first, and a stream with its last event', () => {
  const replay = createReplay(200);
  const old = replay.open();
  const stream = openStream();
  old.attach(stream.stream);
  old.send(frame('old'), 'may');
  old.finish();
  const busy = replay.open();
  for (let index = 0; index < 50; index += 1) busy.send(frame(String(index)), 'may');
  old.detach(stream.stream);
  return stream.text().then((text) => {
    expect(replay.find(/id: (\S+)/.exec(text)?.[1] ?? '')).toBeUndefined();
  });
});

test('an answer too large to be kept takes its stream with it, and no other', async () => {
  const replay = createReplay(500);
  const [large, small] = [replay.open('7'), replay.open('8')];
  const [first, second] = [openStream(), openStream()];
  large.attach(first.stream);
  small.attach(second.stream);
  large.send(frame('progress'), 'may');
  small.send(frame('progress'), 'may');
  large.finish(frame('x'.repeat(600)));
  small.finish(frame('answer'));
  const [lost, kept] = await Promise.all(
    [first, second].map(async ({ text }) => /id: (\S+)/.exec(await text())?.[1] ?? ''),
  );
  expect([replay.find(lost ?? '')?.channel, replay.find(kept ?? '')?.channel]).toEqual([undefined, small]);
  expect(requestOf(lost ?? '')).toBe('7');
});

test.each([
  ['1', '1'],
  ['"grüße. 👩‍👧"', '"grüße. 👩‍👧"'],
  ['', undefined],
  [`"${'x'.repeat(300)}"`, undefined],
])('ids tell the request that they are about, be it %j', async (request, expected) => {
  const channel = createReplay(1000).open(request);
  const stream = openStream();
  channel.attach(stream.stream);
  channel.prime();
  channel.finish();
  const text = await stream.text();
  expect(text).toMatch(/^id: [\w.-]+\nretry: 500\ndata: \n\n$/);
  expect(requestOf(/id: (\S+)/.exec(text)?.[1] ?? '')).toBe(expected);
});

test('what ended is forgotten after some minutes, what goes on is not', async () => {
  let now = 0;
  const replay = createReplay(1000, () => now);
  const channels = [replay.open(), replay.open()];
  const ids = await Promise.all(
    channels.map(async (channel) => {
      const { stream, text } = openStream();
      channel.attach(stream);
      channel.send(frame('x'), 'may');
      stream.end();
      return /id: (\S+)/.exec(await text())?.[1] ?? '';
    }),
  );
  channels[0]?.finish(frame('answer'));
  const known = () => ids.map((id) => replay.find(id) !== undefined);
  now += 4 * 60_000;
  replay.sweep();
  expect(known()).toEqual([true, true]);
  now += 2 * 60_000;
  replay.sweep();
  expect(known()).toEqual([false, true]);
});
