import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

/** As much of an OpenAPI document as answers are held against. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export interface Answer {
  readonly method: string;
  /** As it was asked for, without the query. */
  readonly path: string;
  readonly status: number;
  /** '' when the answer has none. */
  readonly contentType: string;
  readonly body: string;
}

/** Holds answers against the document; throws with what differs. Paths the document does not know are not its business. */
export function createContract(document: OpenApiDocument): (answer: Answer) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv as never);
  ajv.addSchema({ $id: 'openapi', components: document.components });
  const validators = new Map<string, ValidateFunction>();

  const validatorOf = (schema: object): ValidateFunction => {
    const key = JSON.stringify(schema).replaceAll('"#/', '"openapi#/');
    const known = validators.get(key);
    if (known !== undefined) return known;
    const made = ajv.compile(JSON.parse(key));
    validators.set(key, made);
    return made;
  };

  return ({ method, path, status, contentType, body }) => {
    const operation = findOperation(document, method, path);
    if (operation === undefined) return;
    const where = `${method} ${path} → ${status} ${contentType}`;
    const described = operation.responses[String(status)];
    if (described === undefined) throw new Error(`${where}: the document does not know this status\n${body}`);
    if (described.content === undefined) {
      if (body !== '') throw new Error(`${where}: the document knows no body\n${body}`);
      return;
    }
    const type = contentType.split(';')[0]?.trim() ?? '';
    const media = described.content[type];
    if (media === undefined) throw new Error(`${where}: the document does not know this type\n${body}`);
    if (type !== 'application/json' || media.schema === undefined) return;
    const validate = validatorOf(media.schema);
    if (!validate(JSON.parse(body))) throw new Error(`${where}: ${ajv.errorsText(validate.errors)}\n${body}`);
  };
}

function findOperation(document: OpenApiDocument, method: string, path: string): Described | undefined {
  const asked = path.split('/');
  const fits = (template: string) => {
    const parts = template.split('/');
    return (
      parts.length === asked.length && parts.every((part, at) => part.startsWith('{') || part === asked[at])
    );
  };
  const candidates = Object.keys(document.paths).filter(fits);
  // Literal segments win over parameters.
  const best = candidates.sort((a, b) => a.split('{').length - b.split('{').length)[0];
  return best === undefined ? undefined : document.paths[best]?.[method.toLowerCase()];
}
