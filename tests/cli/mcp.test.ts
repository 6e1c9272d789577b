import { describe, expect, test } from 'bun:test';
import { startMcpServer } from './mcp-server.ts';
import { openHome, THV_BINARY, warnWithoutBinary } from './thv.ts';

warnWithoutBinary('tests/cli/mcp');

const tool = (name: string) => ({ name, description: `Does ${name}`, inputSchema: { type: 'object' } });
const OFFERINGS = {
  // Two pages.
  'tools/list': ({ cursor }: { cursor?: string }) =>
    cursor === undefined ? { tools: [tool('one')], nextCursor: 'more' } : { tools: [tool('two')] },
  'resources/list': { resources: [{ name: 'r', uri: 'file:///r' }] },
  'prompts/list': { prompts: [] },
};
const LISTING = `TOOLS:
NAME   DESCRIPTION
one    Does one
two    Does two

RESOURCES:
NAME   URI         DESCRIPTION   MIME_TYPE
r      file:///r                 

`;

describe.skipIf(THV_BINARY === undefined)('mcp', () => {
  test('list shows all sections and all pages, and ends its session', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: OFFERINGS });
    expect(await home.thv(['mcp', 'list', '--server', server.url])).toEqual({
      exit: 0,
      stdout: LISTING,
      stderr: '',
    });
    expect(server.seen).toEqual([
      ...['initialize', 'notifications/initialized'],
      ...['tools/list', 'tools/list', 'resources/list', 'prompts/list', 'DELETE'],
    ]);
  });

  test('the first look offers the server everything a client can have', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: OFFERINGS });
    await home.thv(['mcp', 'list', '--server', server.url]);
    expect(server.initialize).toMatchObject({
      clientInfo: { name: 'toolhive-cli', version: expect.any(String) },
      capabilities: {
        sampling: { context: {}, tools: {} },
        elicitation: { form: {}, url: {} },
        roots: { listChanged: true },
      },
    });
  });

  test.each([
    ['auto falls back to SSE', 'auto', 'sseUrl'],
    ['SSE by name', 'sse', 'sseUrl'],
    ['another word goes by the path', 'http', 'sseUrl'],
    ['streamable HTTP by name', 'streamable-http', 'url'],
  ] as const)('%s', async (_sentence, transport, address) => {
    await using home = await openHome();
    using server = startMcpServer({ results: OFFERINGS, streamable: address === 'url' });
    const result = await home.thv(['mcp', 'list', '--server', server[address], '--transport', transport]);
    expect(result).toEqual({ exit: 0, stdout: LISTING, stderr: '' });
  });

  test('list TOOLS as JSON has only these', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: OFFERINGS });
    const { exit, stdout, stderr } = await home.thv([
      ...['mcp', 'list', 'tools', '--server', server.url, '--format', 'json'],
    ]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toBe(`${JSON.stringify({ tools: [tool('one'), tool('two')] }, undefined, 2)}\n`);
  });

  test('list tolerates a kind that fails, and warns', async () => {
    await using home = await openHome();
    using server = startMcpServer({
      results: { 'tools/list': OFFERINGS['tools/list'], 'prompts/list': { prompts: [] } },
    });
    const { exit, stdout, stderr } = await home.thv(['mcp', 'list', '--server', server.url, '--format=json']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ tools: [tool('one'), tool('two')], resources: [], prompts: [] });
    expect(JSON.parse(stderr)).toMatchObject({ level: 'WARN', msg: 'failed to list resources' });
  });

  test('list of one kind fails with it', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: {} });
    const { exit, stdout, stderr } = await home.thv(['mcp', 'list', 'resources', '--server', server.url]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toMatch(/^Error: failed to list resources: .*Method not found\n$/);
  });

  const odd = {
    tools: [
      { name: 'required-null', inputSchema: { type: 'object', required: null } },
      { name: 'no-schema' },
      { name: 'any-of', inputSchema: { anyOf: [{ type: 'object' }] } },
      { name: 'number', description: 7, inputSchema: { type: 'object' } },
      { name: 'hints', annotations: null, inputSchema: { type: 'object' } },
      { description: 'without a name', inputSchema: { type: 'object' } },
      null,
      tool('fine'),
    ],
    resources: [{ uri: 'file:///a' }, { name: 'b', uri: 'file:///b', mimeType: null }, 'c'],
    prompts: [{ name: 'p', arguments: null }, { name: 'q', arguments: [{ name: 'x' }, {}] }, { name: '' }],
  } as const;
  const ODD_RESULTS = {
    'tools/list': { tools: odd.tools, nextCursor: null },
    'resources/list': { resources: odd.resources, nextCursor: '' },
    'prompts/list': { prompts: odd.prompts, nextCursor: 7 },
  };

  test('list hides nothing for one odd entry, and says on stderr what is odd', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: ODD_RESULTS });
    const { exit, stdout, stderr } = await home.thv(['mcp', 'list', '--server', server.url]);
    expect(exit).toBe(0);
    expect(
      stdout
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n'),
    ).toBe(`TOOLS:
NAME            DESCRIPTION
required-null
no-schema
any-of
number          7
hints
                without a name
fine            Does fine

RESOURCES:
NAME   URI         DESCRIPTION   MIME_TYPE
       file:///a
b      file:///b

PROMPTS:
NAME   DESCRIPTION   ARGUMENTS
p                    0
q                    2 ([x ])
                     0

`);
    const problems = stderr
      .trimEnd()
      .split('\n')
      .map((line): string => JSON.parse(line).problem);
    expect(problems.map((problem) => problem.split(':').slice(0, 2).join(':'))).toEqual([
      'tools[0] "required-null": inputSchema.required',
      'tools[1] "no-schema": inputSchema',
      'tools[2] "any-of": inputSchema.type',
      'tools[3] "number": description',
      'tools[4] "hints": annotations',
      'tools[5]: name',
      'tools[6] is null where an object is expected; it is left out',
      'nextCursor is null',
      'resources[0]: name',
      'resources[1] "b": mimeType',
      'resources[2] is a string where an object is expected; it is left out',
      'prompts[0] "p": arguments',
      'prompts[1] "q": arguments.1.name',
      'prompts[2] "": name',
      'nextCursor is a number',
    ]);
  });

  test('list as JSON gives odd entries as they were sent', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: ODD_RESULTS });
    const { exit, stdout } = await home.thv(['mcp', 'list', '--server', server.url, '--format', 'json']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      tools: odd.tools.filter((each) => each !== null),
      resources: odd.resources.slice(0, 2),
      prompts: odd.prompts,
    });
  });

  test.each([
    ['no list at all', {}, 'tools is missing where a list is expected'],
    ['an object in its place', { tools: { a: 1 } }, 'tools is an object where a list is expected'],
    ['pages that go in a circle', { tools: [], nextCursor: 'x' }, 'the page after "x" leads back to itself'],
  ])('list of tools: %s', async (_, result, problem) => {
    await using home = await openHome();
    using server = startMcpServer({ results: { 'tools/list': result } });
    const { exit, stderr } = await home.thv(['mcp', 'list', 'tools', '--server', server.url]);
    expect([exit, JSON.parse(stderr).problem]).toEqual([0, problem]);
  });

  test('a server that offers nothing', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: {}, capabilities: {} });
    expect(await home.thv(['mcp', 'list', '--server', server.url])).toEqual({
      exit: 0,
      stdout: 'No tools, resources, or prompts found\n',
      stderr: '',
    });
  });

  test('a server that is not there: what each transport said', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: {} });
    const { url } = server;
    server[Symbol.dispose]();
    const { exit, stdout, stderr } = await home.thv(['mcp', 'list', '--server', url]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toMatch(
      /^Error: failed to connect to MCP server http\S+\/mcp: streamable-http: .+; sse: .+\n$/,
    );
  });

  test('the timeout is for the whole operation', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: { ...OFFERINGS, 'prompts/list': null } });
    const args = ['mcp', 'list', 'prompts', '--server', server.url, '--timeout', '300ms'];
    expect(await home.thv(args)).toEqual({
      exit: 1,
      stdout: '',
      stderr: 'Error: failed to list prompts: no answer within 300ms\n',
    });
    using silent = startMcpServer({ results: {}, streamable: false });
    const slow = await home.thv([
      'mcp',
      'list',
      '--server',
      silent.url,
      '--timeout=300ms',
      '--transport',
      'sse',
    ]);
    expect(slow.exit).toBe(1);
  });

  test('Ctrl-C ends a call with 130', async () => {
    await using home = await openHome();
    using server = startMcpServer({ results: { 'tools/call': null } });
    const child = home.spawn(['mcp', 'call', 't', '--server', server.url]);
    const deadline = Date.now() + 10_000;
    while (!server.seen.includes('tools/call')) {
      if (Date.now() > deadline) throw new Error(`only saw ${server.seen.join(', ')}`);
      await Bun.sleep(10);
    }
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stderr).text()).toBe('');
  });

  describe('call', () => {
    const echo = (params: object) => ({ content: [{ type: 'text', text: JSON.stringify(params) }] });
    const call = ['mcp', 'call', 'echo', '--server'] as const;

    test.each([
      ['no arguments', [], undefined, '{"name":"echo"}'],
      ['--args', ['--args', '{"a":1}'], undefined, '{"name":"echo","arguments":{"a":1}}'],
      ['--args {}', ['--args', '{}'], undefined, '{"name":"echo","arguments":{}}'],
      ['--args-file -', ['--args-file', '-'], '{"a":2}', '{"name":"echo","arguments":{"a":2}}'],
    ])('%s', async (_sentence, args, stdin, params) => {
      await using home = await openHome();
      using server = startMcpServer({ results: { 'tools/call': echo } });
      const result = await home.thv([...call, server.url, ...args], stdin === undefined ? {} : { stdin });
      expect(result).toEqual({ exit: 0, stdout: `${params}\n`, stderr: '' });
    });

    test('Ctrl-C ends the wait for arguments on stdin with 130', async () => {
      await using home = await openHome();
      const child = Bun.spawn([THV_BINARY ?? 'thv', ...call, 'http://127.0.0.1:1/mcp', '--args-file', '-'], {
        env: { HOME: home.path },
        stdin: 'pipe',
        stderr: 'pipe',
      });
      await Bun.sleep(300); // nothing tells that it reads
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      expect(await child.exited).toBe(130);
      clearTimeout(timer);
      expect(await new Response(child.stderr).text()).toBe('');
    });

    test('a file that is not there', async () => {
      await using home = await openHome();
      const { exit, stderr } = await home.thv([
        ...call,
        'http://127.0.0.1:1/mcp',
        '--args-file',
        'nope.json',
      ]);
      expect(exit).toBe(1);
      expect(stderr).toStartWith('Error: failed to read args file: ');
    });

    const failed = { content: [{ type: 'text', text: 'no luck' }], isError: true };

    test('an error of the tool is printed, and the exit code tells', async () => {
      await using home = await openHome();
      using server = startMcpServer({ results: { 'tools/call': failed } });
      expect(await home.thv([...call, server.url])).toEqual({
        exit: 1,
        stdout: 'no luck\n',
        stderr: 'Error:\nError: tool "echo" reported an error\n',
      });
      expect(await home.thv([...call, server.url, '--ignore-tool-error'])).toEqual({
        exit: 0,
        stdout: 'no luck\n',
        stderr: 'Error:\n',
      });
      const json = await home.thv([...call, server.url, '--format', 'json']);
      expect(json.exit).toBe(1);
      expect(JSON.parse(json.stdout)).toEqual(failed);
    });

    test('a protocol failure is an error even when tool errors are ignored', async () => {
      await using home = await openHome();
      using server = startMcpServer({ results: {} });
      const { exit, stdout, stderr } = await home.thv([...call, server.url, '--ignore-tool-error']);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
      expect(stderr).toMatch(/^Error: failed to call tool "echo": .*Method not found\n$/);
    });

    test('what the server asks of the client is refused, and the call goes on', async () => {
      await using home = await openHome();
      const asks = ['sampling/createMessage', 'elicitation/create', 'roots/list'];
      using server = startMcpServer({ results: { 'tools/call': { content: [] } }, asks });
      expect(await home.thv([...call, server.url])).toEqual({ exit: 0, stdout: '', stderr: '' });
      const refusal = { jsonrpc: '2.0', error: { code: -32_601, message: 'Method not found' } };
      const answers = server.answers.toSorted((one, other) => (one.id < other.id ? -1 : 1));
      expect(answers).toEqual(asks.map((_, id) => ({ ...refusal, id: `ask-${id}` })));
    });
  });
});
