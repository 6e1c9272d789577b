import { toJsonSchemaDefs } from '@valibot/to-json-schema';
import { generateSpecs } from 'hono-openapi';
import { namedSchemas } from '../schemas/names.ts';
import type { Api } from '../types.ts';
import { documentationPage, pageScript, viewerScript } from './page.ts';

const TAGS = {
  system: 'Health of this server',
  version: 'Version of this program',
  workloads: 'MCP servers',
  logs: 'What MCP servers wrote',
  groups: 'Groups of workloads',
  clients: 'MCP clients whose settings are kept',
  discovery: 'MCP clients on this machine',
  registry: 'The catalog of MCP servers',
  'registry-servers': 'The catalog in its upstream form',
  secrets: 'Secrets for workloads',
} as const;

type Document = Awaited<ReturnType<typeof generateSpecs>>;

/** `--openapi` (spec 10 §8): the document made from the schemas that the routes check with, and a page that shows it. */
export function addDocumentation(api: Api): void {
  let text: Promise<string> | undefined;
  api.get('/api/openapi.json', async () => {
    text ??= openApiDocument(api).then((document) => `${JSON.stringify(document)}\n`);
    return new Response(await text, { headers: { 'Content-Type': 'application/json' } });
  });
  api.get('/api/doc', () => documentationPage());
  api.get('/api/doc/page.js', () => pageScript());
  api.get('/api/doc/viewer.js', () => viewerScript());
}

/** OpenAPI 3.1 without servers, security schemes and operation ids, as clients of the reference know it. */
export async function openApiDocument(api: Api): Promise<Document> {
  const document = await generateSpecs(api, {
    documentation: {
      info: { title: 'ToolHive API', description: 'This is the ToolHive API server.', version: '1.0' },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { schemas: componentSchemas() as Record<string, object> },
    },
  });
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations ?? {})) {
      if (typeof operation === 'object') delete (operation as { operationId?: string }).operationId;
    }
  }
  return document;
}

/** What a schema does beyond describing, transforms for instance, is the server's business. */
function componentSchemas(): unknown {
  const schemas = namedSchemas();
  return toJsonSchemaDefs(schemas, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'ignore',
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
}
