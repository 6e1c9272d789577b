import type { CallToolResult, ContentBlock, Prompt, Resource, Tool } from '@modelcontextprotocol/client';
import { renderTable } from '../cli/index.ts';

/** What a server offers; kinds that were not asked for are absent. */
export interface Listing {
  readonly tools?: readonly Tool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
}

/** All sections that have something in them, each followed by a blank line (spec 01 §6.1, §14-7). */
export function renderListing({ tools = [], resources = [], prompts = [] }: Listing): string {
  const sections = [
    section(
      'TOOLS:',
      ['NAME', 'DESCRIPTION'],
      tools.map(({ name, description }) => [name, description]),
    ),
    section(
      'RESOURCES:',
      ['NAME', 'URI', 'DESCRIPTION', 'MIME_TYPE'],
      resources.map(({ name, uri, description, mimeType }) => [name, uri, description, mimeType]),
    ),
    section(
      'PROMPTS:',
      ['NAME', 'DESCRIPTION', 'ARGUMENTS'],
      prompts.map((prompt) => [prompt.name, prompt.description, describeArguments(prompt)]),
    ),
  ];
  return sections.join('') || 'No tools, resources, or prompts found\n';
}

function section(
  title: string,
  header: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  if (rows.length === 0) return '';
  return `${title}\n${renderTable([header, ...rows.map((row) => row.map((cell) => oneLine(cell)))])}\n`;
}

/** A cell must not break its row. */
function oneLine(text = ''): string {
  return text.replace(/\s+/g, ' ').trim();
}

function describeArguments({ arguments: declared = [] }: Prompt): string {
  return declared.length === 0 ? '0' : `${declared.length} ([${declared.map(({ name }) => name).join(' ')}])`;
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
