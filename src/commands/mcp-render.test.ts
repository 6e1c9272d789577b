import { describe, expect, test } from 'bun:test';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { type Listing, renderListing, renderToolResult } from './mcp-render.ts';

describe('what a server offers', () => {
  const schema = { type: 'object' } as const;
  const rows: readonly (readonly [string, Listing, string])[] = [
    ['nothing', { tools: [], resources: [], prompts: [] }, 'No tools, resources, or prompts found\n'],
    [
      'one kind',
      {
        tools: [
          { name: 'echo', description: 'Says it\n  again', inputSchema: schema },
          { name: 'no-description', inputSchema: schema },
        ],
      },
      'TOOLS:\nNAME             DESCRIPTION\necho             Says it again\nno-description   \n\n',
    ],
    [
      'all kinds',
      {
        tools: [{ name: 'echo', inputSchema: schema }],
        resources: [
          { name: 'r', uri: 'file:///r', mimeType: 'text/plain' },
          { name: 's', uri: 'file:///s' },
        ],
        prompts: [{ name: 'p', arguments: [{ name: 'a' }, { name: 'b' }] }, { name: 'q' }],
      },
      `TOOLS:
NAME   DESCRIPTION
echo   

RESOURCES:
NAME   URI         DESCRIPTION   MIME_TYPE
r      file:///r                 text/plain
s      file:///s                 

PROMPTS:
NAME   DESCRIPTION   ARGUMENTS
p                    2 ([a b])
q                    0

`,
    ],
  ];
  test.each(rows)('%s', (_sentence, listing, expected) => {
    expect(renderListing(listing)).toBe(expected);
  });
});

describe('the result of a tool', () => {
  const rows: readonly (readonly [string, CallToolResult, string])[] = [
    ['nothing', { content: [] }, ''],
    ['text as it is', { content: [{ type: 'text', text: 'a\nb' }] }, 'a\nb\n'],
    [
      'an image by its decoded size',
      { content: [{ type: 'image', mimeType: 'image/png', data: 'aGVsbG8=' }] },
      '[image: image/png, 5 bytes]\n',
    ],
    [
      'audio of no type',
      { content: [{ type: 'audio', mimeType: '', data: '' }] },
      '[audio: unknown, 0 bytes]\n',
    ],
    [
      'a link',
      { content: [{ type: 'resource_link', name: 'n', uri: 'file:///n', mimeType: 'text/plain' }] },
      '[resource link: n (file:///n, text/plain)]\n',
    ],
    [
      'a link without name and type',
      { content: [{ type: 'resource_link', name: '', uri: 'file:///n' }] },
      '[resource link: file:///n (file:///n)]\n',
    ],
    [
      'an embedded resource',
      { content: [{ type: 'resource', resource: { uri: 'file:///n', text: 'x' } }] },
      '[embedded resource]\n',
    ],
    [
      'structured content behind the rest',
      { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } },
      '{"a":1}\nStructured content:\n{\n  "a": 1\n}\n',
    ],
  ];
  test.each(rows)('%s', (_sentence, result, expected) => {
    expect(renderToolResult(result)).toBe(expected);
  });
});
