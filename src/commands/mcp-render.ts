import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import { renderTable } from '../cli/index.ts';
import type { Offering } from './mcp-offerings.ts';

/** What a server offers; kinds that were not asked for are absent. */
export interface Listing {
  readonly tools?: readonly Offering[];
  readonly resources?: readonly Offering[];
  readonly prompts?: readonly Offering[];
}

/** All sections that have something in them, each followed by a blank line (spec 01 §6.1, §14-7). */
export function renderListing({ tools = [], resources = [], prompts = [] }: Listing): string {
  const sections = [
    section(
      'TOOLS:',
      ['NAME', 'DESCRIPTION'],
      tools.map((tool) => [cell(tool['name']), cell(tool['description'])]),
    ),
    section(
      'RESOURCES:',
      ['NAME', 'URI', 'DESCRIPTION', 'MIME_TYPE'],
      resources.map((resource) =>
        ['name', 'uri', 'description', 'mimeType'].map((member) => cell(resource[member])),
      ),
    ),
    section(
      'PROMPTS:',
      ['NAME', 'DESCRIPTION', 'ARGUMENTS'],
      prompts.map((prompt) => [cell(prompt['name']), cell(prompt['description']), describeArguments(prompt)]),
    ),
  ];
  return sections.join('') || 'No tools, resources, or prompts found\n';
}

function section(title: string, header: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}\n${renderTable([header, ...rows])}\n`;
}

/** A cell must not break its row, and shows what the server sent, whatever that is. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/\s+/g, ' ').trim();
}

function describeArguments(prompt: Offering): string {
  const declared = prompt['arguments'];
  if (!Array.isArray(declared) || declared.length === 0) return '0';
  return `${declared.length} ([${declared.map((argument) => cell(argument?.name)).join(' ')}])`;
}

/** One line per content item, then the structured content (spec 01 §6.1). */
export function renderToolResult({ content, structuredContent }: CallToolResult): string {
  const lines = content.map((item) => `${renderContent(item)}\n`);
  if (structuredContent !== undefined) {
    lines.push(`Structured content:\n${JSON.stringify(structuredContent, undefined, 2)}\n`);
  }
  return lines.join('');
}

function renderContent(item: ContentBlock): string {
  switch (item.type) {
    case 'text':
      return item.text;
    case 'image':
    case 'audio':
      return `[${item.type}: ${item.mimeType || 'unknown'}, ${Buffer.byteLength(item.data, 'base64')} bytes]`;
    case 'resource_link':
      return `[resource link: ${item.name || item.uri} (${[item.uri, item.mimeType].filter(Boolean).join(', ')})]`;
    case 'resource':
      return '[embedded resource]';
  }
}
