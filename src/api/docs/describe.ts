import type { MiddlewareHandler } from 'hono';
import { describeRoute } from 'hono-openapi';
import type * as v from 'valibot';
import { nameOf } from '../schemas/names.ts';
import { Unauthorized } from '../schemas/system.ts';

const TEXT = { 'text/plain': { schema: { type: 'string' as const } } };

type Answer =
  | { readonly json: v.GenericSchema; readonly description: string }
  /** What is neither JSON nor an error: the content types. */
  | { readonly types: readonly string[]; readonly description: string }
  /** Text, or JSON when it is about the identity provider. */
  | { readonly unavailable: true; readonly description: string }
  | { readonly empty: true; readonly description: string };

interface Parameter {
  readonly description: string;
  readonly schema?: { readonly type: 'string' | 'boolean' | 'integer'; readonly enum?: readonly string[] };
}

interface Operation {
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly body?: v.GenericSchema;
  /** By status. A text is the description of a plain text error. */
  readonly answers: Readonly<Record<number, Answer | string>>;
}

/** What the OpenAPI document says of a route; the schemas are those the route works with. */
export function describe(operation: Operation): MiddlewareHandler {
  const { tag, summary, description, path = {}, query = {}, body, answers } = operation;
  const every: Readonly<Record<number, Answer | string>> = {
    401: { json: Unauthorized, description: 'With OIDC: the request has no valid token' },
    403: 'The request comes from a web page of another site',
    500: 'Internal Server Error',
    503: {
      unavailable: true,
      description: 'The container engine cannot be reached, or with OIDC the identity provider',
    },
    504: 'The request took too long',
    ...answers,
  };
  return describeRoute({
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: [
      ...Object.entries(path).map(([name, text]) => ({
        in: 'path' as const,
        name,
        required: true,
        description: text,
        schema: { type: 'string' as const },
      })),
      ...Object.entries(query).map(([name, parameter]) => ({
        in: 'query' as const,
        name,
        description: parameter.description,
        schema: (parameter.schema ?? { type: 'string' }) as { type: 'string' },
      })),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: refTo(body) } } } }),
    responses: Object.fromEntries(
      Object.entries(every).map(([status, answer]) => [status, toResponse(answer)]),
    ),
  });
}

function toResponse(answer: Answer | string) {
  if (typeof answer === 'string') return { description: answer, content: TEXT };
  const { description } = answer;
  if ('json' in answer)
    return { description, content: { 'application/json': { schema: refTo(answer.json) } } };
  if ('types' in answer) {
    const schema = { type: 'string' as const };
    return { description, content: Object.fromEntries(answer.types.map((type) => [type, { schema }])) };
  }
  if ('unavailable' in answer)
    return { description, content: { ...TEXT, 'application/json': { schema: refTo(Unauthorized) } } };
  return { description };
}

function refTo(schema: v.GenericSchema): { $ref: string } {
  const name = nameOf(schema);
  if (name === undefined) throw new TypeError('a schema of a route has no name');
  return { $ref: `#/components/schemas/${name}` };
}
