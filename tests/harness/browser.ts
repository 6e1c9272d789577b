import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

/** What a page did in a real browser that reaches nothing but this machine. */
export interface Visit {
  /** The words of the document as it stood in the end. */
  readonly text: string;
  /** Errors and warnings of the console, exceptions, and what could not be loaded. */
  readonly complaints: readonly string[];
  /** Every address that the page asked for. */
  readonly requested: readonly string[];
}

/** Debian's Chromium; `undefined` where it is not installed. */
export function findChromium(): string | undefined {
  return Bun.which('chromium') ?? Bun.which('chromium-browser') ?? undefined;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** Opens `url` and waits until `isDone` likes the document. */
export async function visit(
  chromium: string,
  url: string,
  isDone: (text: string) => boolean,
): Promise<Visit> {
  const profile = await mkdtemp(join(tmpdir(), 'thv-chromium-'));
  const browser = Bun.spawn(
    [
      chromium,
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--remote-debugging-port=0'],
      ...[`--user-data-dir=${profile}`, '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
      'about:blank',
    ],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', env: { ...process.env, HOME: profile } },
  );
  try {
    const port = await waitFor(
      async () => (await Bun.file(join(profile, 'DevToolsActivePort')).text()).split('\n')[0],
      (text) => text !== undefined && text !== '',
      { what: 'Chromium is up', deadlineMs: 30_000 },
    );
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const page = targets.find(({ type }) => type === 'page');
    if (page === undefined) throw new Error('Chromium has no page');
    return await watch(page.webSocketDebuggerUrl, url, isDone);
  } finally {
    browser.kill('SIGKILL');
    await browser.exited;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Drives a page by the DevTools protocol. */
async function watch(debuggerUrl: string, url: string, isDone: (text: string) => boolean): Promise<Visit> {
  const complaints: string[] = [];
  const requested: string[] = [];
  const pending = new Map<number, (result: Readonly<Record<string, unknown>>) => void>();
  const socket = new WebSocket(debuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('Chromium does not let itself be watched'));
  });
  socket.onmessage = ({ data }) => {
    const { id, method, params = {}, result } = JSON.parse(String(data)) as Message;
    if (id !== undefined) pending.get(id)?.(result ?? {});
    else note(method ?? '', params, complaints, requested);
  };
  let last = 0;
  const ask = (method: string, params: object = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise<Readonly<Record<string, unknown>>>((resolve) => pending.set(id, resolve));
  };
  for (const domain of ['Runtime', 'Log', 'Network', 'Page']) await ask(`${domain}.enable`);
  await ask('Page.navigate', { url });
  const text = await waitFor(
    async () => {
      const expression = 'document.body.innerText';
      const { result } = await ask('Runtime.evaluate', { expression });
      return String((result as { value?: unknown }).value);
    },
    isDone,
    { what: `the page of ${url} is there`, deadlineMs: 60_000, intervalMs: 200 },
  ).catch((error: unknown) => {
    throw new Error(`${complaints.join('\n')}\n${String(error).slice(0, 3000)}`);
  });
  socket.close();
  return { text, complaints, requested };
}

function note(
  method: string,
  params: Readonly<Record<string, unknown>>,
  complaints: string[],
  requested: string[],
): void {
  switch (method) {
    case 'Runtime.consoleAPICalled':
      if (['error', 'warning', 'assert'].includes(String(params['type'])))
        complaints.push(`console.${params['type']}: ${JSON.stringify(params['args'])}`);
      break;
    case 'Runtime.exceptionThrown':
      complaints.push(`exception: ${JSON.stringify(params['exceptionDetails'])}`);
      break;
    case 'Log.entryAdded': {
      const { level, text, url } = params['entry'] as { level: string; text: string; url?: string };
      if (level === 'error' || level === 'warning') complaints.push(`${level}: ${text} ${url ?? ''}`);
      break;
    }
    case 'Network.loadingFailed':
      complaints.push(`not loaded: ${JSON.stringify(params)}`);
      break;
    case 'Network.requestWillBeSent':
      requested.push((params['request'] as { url: string }).url);
      break;
  }
}
